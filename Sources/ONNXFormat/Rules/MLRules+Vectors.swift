import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

/// Support vector machines.
let supportVectorRules: [NodeRule] = [
  .reads("SVMRegressor", domain: mlDomain) { n, g in
    let x = try g.cast(try n.input(0), to: .float32), rho = try n.floats("rho") ?? [0]
    let weights = try n.floats("coefficients") ?? [], count = try n.int("n_supports") ?? 0
    var y: ValueID
    if count > 0 {
      guard weights.count == count else {
        throw FormatError(.invalidValue, "SVMRegressor: \(weights.count) coefficients of \(count) vectors")
      }
      y = try g.matmul(try g.kernels(n, x, count), try g.constant(NDArray(weights.map { Float($0) }, [count, 1])))
    } else {
      y = try g.matmul(x, try g.constant(NDArray(weights.map { Float($0) }, [weights.count, 1])))
    }
    y = try g.add(y, try g.row([rho.first ?? 0]))
    guard try n.flag("one_class") else { return [try g.finished(y, n)] }
    let isInside = try g.apply(GreaterOp(), y, try g.scalar(0, like: y))
    return [try g.select(isInside, try g.scalar(1, like: y), try g.scalar(-1, like: y))]
  },
  .reads("SVMClassifier", domain: mlDomain) { n, g in
    let labels = try n.classLabels(), perClass = try n.ints("vectors_per_class") ?? []
    // The coupling of pairwise probabilities is an iteration that ends early: nothing else gives its numbers.
    guard try n.floats("prob_a") ?? [] == [], labels.count > 2, perClass.count == labels.count,
      perClass.allSatisfy({ $0 >= 0 && $0 < 1 << 24 })
    else {
      throw UnsupportedError("probabilities, two classes, or none but linear ones")
    }
    let count = perClass.reduce(0, +), classes = labels.count
    let weights = try n.floats("coefficients") ?? [], rho = try n.floats("rho") ?? []
    guard count > 0, classes <= 1024, weights.count == (classes - 1) * count, rho.count == classes * (classes - 1) / 2 else {
      throw FormatError(
        .invalidValue, "SVMClassifier: \(weights.count) coefficients and \(rho.count) offsets for \(count) vectors of \(classes) classes")
    }
    guard count <= (1 << 26) / rho.count else { throw UnsupportedError("\(count) vectors of \(classes) classes") }
    // A column for each pair of classes: one says the first of the two when it is positive.
    var starts = [0]
    for number in perClass { starts.append((starts.last ?? 0) + number) }
    var matrix = [Float](repeating: 0, count: count * rho.count)
    var votes = [Float](repeating: 0, count: rho.count * classes), fallback = [Float](repeating: 0, count: classes)
    var pair = 0
    for i in 0..<classes {
      for j in (i + 1)..<max(i + 1, classes) {
        for v in starts[i]..<starts[i + 1] { matrix[v * rho.count + pair] = Float(weights[(j - 1) * count + v]) }
        for v in starts[j]..<starts[j + 1] { matrix[v * rho.count + pair] = Float(weights[i * count + v]) }
        votes[pair * classes + i] = 1
        votes[pair * classes + j] = -1
        fallback[j] += 1
        pair += 1
      }
    }
    let x = try g.cast(try n.input(0), to: .float32)
    let product = try g.matmul(try g.kernels(n, x, count), try g.constant(NDArray(matrix, [count, rho.count])))
    let scores = try g.add(product, try g.row(rho))
    let isFirst = try g.cast(try g.apply(GreaterOp(), scores, try g.scalar(0, like: scores)), to: .float32)
    let tally = try g.add(
      try g.matmul(isFirst, try g.constant(NDArray(votes, [rho.count, classes]))), try g.constant(NDArray(fallback, [classes])))
    let best = try g.apply(ArgMaxOp(axis: -1, keepDims: false), tally)
    return [try g.gather(try g.constant(labels), best, axis: 0), try g.finished(scores, n)]
  },
]

extension GraphContext {
  /// The kernel of each row of `x` with each support vector: `[n, count]`.
  fileprivate mutating func kernels(_ n: NodeReader, _ x: ValueID, _ count: Int) throws -> ValueID {
    let all = try n.floats("support_vectors") ?? []
    guard count > 0, !all.isEmpty, all.count % count == 0 else {
      throw FormatError(.invalidValue, "\(n.type): \(all.count) numbers in \(count) support vectors")
    }
    let vectors = try constant(NDArray(all.map { Float($0) }, [count, all.count / count]))
    let given = try n.floats("kernel_params") ?? []
    func parameter(_ index: Int) -> Double { index < given.count ? given[index] : 0 }
    if try n.string("kernel_type") == "RBF" {
      let apart = try sub(try unsqueeze(x, [1]), try unsqueeze(vectors, [0]))
      let distance = try reduce(.sumSquare, apart, axes: [-1])
      return try apply(ExpOp(), try mul(distance, try scalar(-parameter(0), like: distance)))
    }
    let product = try matmul(x, vectors, transposeB: true)
    func shifted(_ g: inout GraphContext) throws -> ValueID {
      try g.add(try g.mul(product, try g.scalar(parameter(0), like: product)), try g.scalar(parameter(1), like: product))
    }
    switch try n.string("kernel_type") ?? "LINEAR" {
    case "LINEAR": return product
    case "POLY": return try pow(try shifted(&self), try scalar(parameter(2), like: product))
    case "SIGMOID": return try apply(TanhOp(), try shifted(&self))
    case let other: throw FormatError(.invalidValue, "\(n.type): kernel_type is '\(other)'")
    }
  }
}
