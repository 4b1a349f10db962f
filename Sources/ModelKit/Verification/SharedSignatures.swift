import ModelGraph
import ModelSupport
import ModelVerify

/// The entry points that two models have beside their main ones, each as a pair of models whose main graph it is.
struct SharedSignatures {
  struct Pair {
    var name: String
    var reference: Model
    var candidate: Model
  }
  private let reference: Model
  private let candidate: Model
  /// What the reference has and the candidate has not.
  private(set) var missing: [String] = []
  /// What the candidate has as its main entry point, and the reference has another main one: where one was picked, the result may
  /// give it the usual name.
  private(set) var comparedAsMain: [String] = []
  private var names: [String] = []

  init(_ reference: Model, _ candidate: Model) {
    self.reference = reference
    self.candidate = candidate
    // Several names of the same two graphs are compared once.
    var seen: [(GraphID, GraphID)] = [(reference.main, candidate.main)]
    for signature in reference.signatures {
      guard let other = candidate.signatures.first(where: { $0.name == signature.name }) else {
        if signature.graph != reference.main { missing.append(signature.name) }
        continue
      }
      guard !seen.contains(where: { $0 == (signature.graph, other.graph) }) else { continue }
      guard other.graph != candidate.main || signature.graph == reference.main else {
        comparedAsMain.append(signature.name)
        continue
      }
      seen.append((signature.graph, other.graph))
      names.append(signature.name)
    }
  }

  /// Each shared entry point but the main ones, made when it is asked for.
  var pairs: some Sequence<Pair> {
    names.lazy.compactMap { [reference, candidate] name in
      guard let first = reference.entryPoint(name), let second = candidate.entryPoint(name) else { return nil }
      return Pair(name: name, reference: first, candidate: second)
    }
  }

  /// Options for an entry point other than the one that the data was given for: that data where it holds all inputs by name.
  /// - Returns: what there is to say when other inputs are made up.
  static func suit(_ options: inout VerificationOptions, to model: Model) -> String? {
    guard let data = options.data else { return nil }
    let names = model.mainGraph.openInputs.map(\.name)
    if let absent = names.first(where: { name in !data.contains { $0.name == name } }) {
      options.data = nil
      return "compared on made-up inputs, as the data holds no '\(absent)'"
    }
    options.data = data.filter { names.contains($0.name) }
    return nil
  }
}

extension Model {
  /// The model with the named entry point as its only one.
  fileprivate func entryPoint(_ name: String) -> Model? {
    guard let signature = signatures.first(where: { $0.name == name }), graphs[signature.graph] != nil else { return nil }
    var result = self
    result.main = signature.graph
    result.keepEntryPoints([])
    result.signatures.removeAll { $0.name != name }
    return result
  }

  /// The name of the main entry point, where it has one.
  var mainSignature: String? { signatures.first { $0.graph == main }?.name }

  /// Lets the entry point be the main one that is the other's main one by name, where there is such.
  mutating func choosesMain(of other: Model) {
    let names = other.signatures.filter { $0.graph == other.main }.map(\.name)
    guard !signatures.contains(where: { $0.graph == main && names.contains($0.name) }),
      let signature = signatures.first(where: { names.contains($0.name) })
    else { return }
    main = signature.graph
  }
}

extension Error {
  /// Whether an entry point can't be run or compared, which leaves the verdict to the others.
  var saysNothingOfOthers: Bool { self is UnsupportedError || self is ExecutionError || self is GraphError }
}
