import ModelGraph
import ModelOps
import ModelSupport
import ModelTensor

extension NodeReader {
  private func numbers(_ name: String) throws -> [Double]? { try tensor(name)?.array().doubles() }

  /// Trees as opset 5 lists them: nodes and leaves in lists of their own.
  func treeEnsemble() throws -> TreeEnsembleOp {
    let features = try required(try ints("nodes_featureids"), "nodes_featureids")
    let thresholds = try required(try numbers("nodes_splits"), "nodes_splits")
    let modes = try required(try tensor("nodes_modes"), "nodes_modes").array().integers() ?? []
    let trueLeafs = try ints("nodes_trueleafs") ?? [], falseLeafs = try ints("nodes_falseleafs") ?? []
    let trueNodes = try ints("nodes_truenodeids") ?? [], falseNodes = try ints("nodes_falsenodeids") ?? []
    func children(_ nodes: [Int], _ leafs: [Int]) throws -> [Int] {
      guard nodes.count == features.count, leafs.count == features.count, nodes.allSatisfy({ $0 >= 0 }) else {
        throw FormatError(.invalidValue, "TreeEnsemble: \(nodes.count) children of \(features.count) nodes")
      }
      return zip(nodes, leafs).map { $1 != 0 ? -1 - $0 : $0 }
    }
    // The sets of the nodes that ask for membership stand one after the other, NaN between them.
    var members: [[Double]] = []
    if let all = try numbers("membership_values"), !all.isEmpty {
      var sets = all.split(omittingEmptySubsequences: false) { $0.isNaN }.map(Array.init)[...]
      members = modes.map { $0 == TreeComparison.member.rawValue ? sets.popFirst() ?? [] : [] }
    }
    guard let aggregate = TreeAggregate(rawValue: try int("aggregate_function") ?? 1) else {
      throw FormatError(.invalidValue, "TreeEnsemble: aggregate_function")
    }
    var roots = try required(try ints("tree_roots"), "tree_roots")
    // A tree of one leaf only has a node whose branches are the same leaf.
    let trueChildren = try children(trueNodes, trueLeafs), falseChildren = try children(falseNodes, falseLeafs)
    roots = roots.map { root in
      guard features.indices.contains(root), trueChildren[root] == falseChildren[root], trueChildren[root] < 0 else { return root }
      return trueChildren[root]
    }
    return TreeEnsembleOp(
      features: features, comparisons: modes, thresholds: thresholds, members: members, trueChildren: trueChildren,
      falseChildren: falseChildren, missingTracksTrue: try ints("nodes_missing_value_tracks_true") ?? [], roots: roots,
      leafTargets: try required(try ints("leaf_targetids"), "leaf_targetids"),
      leafWeights: try required(try numbers("leaf_weights"), "leaf_weights"), targetCount: try int("n_targets") ?? 1,
      aggregate: aggregate)
  }

  /// Trees as opsets 1 and 3 list them: nodes by tree and number, leaves among them, weights by node.
  ///
  /// A leaf may weigh for several targets: then the tree is repeated for each of them.
  func oldTrees(targets: Int, prefix: String, single: Bool = false) throws -> TreeEnsembleOp {
    let trees = try required(try ints("nodes_treeids"), "nodes_treeids"), ids = try required(try ints("nodes_nodeids"), "nodes_nodeids")
    let modes = try required(try strings("nodes_modes"), "nodes_modes")
    let features = try ints("nodes_featureids") ?? [], values = try numbers("nodes_values_as_tensor") ?? floats("nodes_values") ?? []
    let trueIDs = try ints("nodes_truenodeids") ?? [], falseIDs = try ints("nodes_falsenodeids") ?? []
    let missing = try ints("nodes_missing_value_tracks_true") ?? []
    let count = trees.count
    guard [ids.count, modes.count, features.count, values.count, trueIDs.count, falseIDs.count].allSatisfy({ $0 == count }),
      missing.isEmpty || missing.count == count
    else { throw FormatError(.invalidValue, "\(type): the lists of nodes differ in length") }
    struct Key: Hashable { var tree: Int, node: Int }
    var places: [Key: Int] = [:]
    for i in 0..<count { places[Key(tree: trees[i], node: ids[i])] = i }
    // Weights by node: (target, weight).
    let weightTrees = try ints("\(prefix)_treeids") ?? [], weightNodes = try ints("\(prefix)_nodeids") ?? []
    let weightTargets = try ints("\(prefix)_ids") ?? []
    let weights = try numbers("\(prefix)_weights_as_tensor") ?? floats("\(prefix)_weights") ?? []
    guard [weightTrees.count, weightNodes.count, weightTargets.count].allSatisfy({ $0 == weights.count }) else {
      throw FormatError(.invalidValue, "\(type): the lists of weights differ in length")
    }
    var byNode: [Int: [(target: Int, weight: Double)]] = [:]
    for i in weights.indices {
      guard let place = places[Key(tree: weightTrees[i], node: weightNodes[i])] else {
        throw FormatError(.missingReference, "\(type): a weight names node \(weightNodes[i]) of tree \(weightTrees[i]), which is not there")
      }
      byNode[place, default: []].append((single ? 0 : weightTargets[i], weights[i]))
    }
    let comparisons: [String: TreeComparison] = [
      "BRANCH_LEQ": .lessOrEqual, "BRANCH_LT": .less, "BRANCH_GTE": .greaterOrEqual, "BRANCH_GT": .greater, "BRANCH_EQ": .equal,
      "BRANCH_NEQ": .notEqual,
    ]
    var op = TreeEnsembleOp(
      features: features, comparisons: [], thresholds: values, trueChildren: [], falseChildren: [], missingTracksTrue: missing,
      roots: [], leafTargets: [], leafWeights: [], targetCount: targets)
    let used = Set(byNode.values.joined().map(\.target)).sorted()
    var nodeTotal = 0
    var result = op
    (result.features, result.thresholds, result.missingTracksTrue) = ([], [], [])
    // One copy of the trees per target that some leaf of several targets asks for; one in all, when none does.
    let copies = byNode.values.contains { $0.count > 1 } ? used.map { Optional($0) } : [nil]
    for target in copies {
      var isChild = Set<Int>()
      var leaves: [Int: Int] = [:]
      func child(_ place: Int, _ id: Int) throws -> Int {
        guard let next = places[Key(tree: trees[place], node: id)] else {
          throw FormatError(.missingReference, "\(type): tree \(trees[place]) has no node \(id)")
        }
        isChild.insert(next)
        return try reference(next)
      }
      func reference(_ place: Int) throws -> Int {
        guard modes[place] == "LEAF" else { return nodeTotal + place }
        if let known = leaves[place] { return known }
        let entry = byNode[place]?.first { target == nil || $0.target == target }
        result.leafTargets.append(entry?.target ?? target ?? 0)
        result.leafWeights.append(entry?.weight ?? 0)
        leaves[place] = -result.leafTargets.count
        return -result.leafTargets.count
      }
      for i in 0..<count {
        if modes[i] == "LEAF" {
          // Leaves keep their place in the list, which nothing leads to.
          result.comparisons.append(0)
          result.trueChildren.append(try reference(i))
          result.falseChildren.append(try reference(i))
          continue
        }
        guard let comparison = comparisons[modes[i]] else { throw FormatError(.invalidValue, "\(type): a node's mode is '\(modes[i])'") }
        result.comparisons.append(comparison.rawValue)
        result.trueChildren.append(try child(i, trueIDs[i]))
        result.falseChildren.append(try child(i, falseIDs[i]))
      }
      for i in 0..<count where !isChild.contains(i) { result.roots.append(try reference(i)) }
      result.features += features.enumerated().map { modes[$0.offset] == "LEAF" ? 0 : $0.element }
      result.thresholds += values
      result.missingTracksTrue += missing
      nodeTotal += count
    }
    switch try string("aggregate_function") ?? "SUM" {
    case "SUM": result.aggregate = .sum
    case "AVERAGE": result.aggregate = .average
    case "MIN": result.aggregate = .minimum
    case "MAX": result.aggregate = .maximum
    case let other: throw FormatError(.invalidValue, "\(type): aggregate_function is '\(other)'")
    }
    op = result
    return op
  }
}

/// As opset 5 of the domain spells them.
func writeTrees(_ op: TreeEnsembleOp, _ x: RuleInputs, _ w: inout NodeWriter) throws -> OutValue {
  w.use(domain: mlDomain, version: 5)
  let input = try x.required(0)
  func numbers(_ values: [Double]) throws -> WireAttribute {
    let array = try NDArray(values, [values.count]).cast(
      to: input.type.dtype, in: ExecutionContext(primitives: ReferencePrimitives()))
    return .tensor(Tensor(array))
  }
  var (features, comparisons, thresholds) = (op.features, op.comparisons, op.thresholds)
  var (trueChildren, falseChildren, missing) = (op.trueChildren, op.falseChildren, op.missingTracksTrue)
  // A root that is a leaf becomes a node whose branches are that leaf.
  let roots = op.roots.map { root -> Int in
    guard root < 0 else { return root }
    features.append(0)
    comparisons.append(0)
    thresholds.append(0)
    trueChildren.append(root)
    falseChildren.append(root)
    if !missing.isEmpty { missing.append(0) }
    return features.count - 1
  }
  let sets = zip(op.comparisons, op.members).filter { $0.0 == TreeComparison.member.rawValue }.map { $0.1 + [Double.nan] }
  func place(_ child: Int) -> Int { child < 0 ? -1 - child : child }
  return try w.emit(
    "TreeEnsemble", x.values,
    [
      "nodes_featureids": .ints(features),
      "nodes_modes": .tensor(Tensor(NDArray(comparisons.map { UInt8(truncatingIfNeeded: $0) }, [comparisons.count]))),
      "nodes_splits": try numbers(thresholds), "nodes_truenodeids": .ints(trueChildren.map(place)),
      "nodes_falsenodeids": .ints(falseChildren.map(place)), "nodes_trueleafs": .ints(trueChildren.map { $0 < 0 ? 1 : 0 }),
      "nodes_falseleafs": .ints(falseChildren.map { $0 < 0 ? 1 : 0 }),
      "nodes_missing_value_tracks_true": missing.isEmpty ? nil : .ints(missing), "tree_roots": .ints(roots),
      "leaf_targetids": .ints(op.leafTargets), "leaf_weights": try numbers(op.leafWeights), "n_targets": .int(op.targetCount),
      "membership_values": sets.isEmpty ? nil : try numbers(sets.flatMap { $0 }), "aggregate_function": .int(op.aggregate.rawValue),
      "post_transform": .int(0),
    ], domain: mlDomain, as: try op.infer(x.values.map { $0?.fact })[0])
}
