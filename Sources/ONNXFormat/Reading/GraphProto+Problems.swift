extension GraphProto {
  /// What is wrong with the names of a main graph: values defined twice, used without being defined, used before the node that makes
  /// them, or made in a circle. At most `limit` texts. Looks at names alone, in time linear in their number.
  public func namingProblems(limit: Int = 20) -> [String] {
    var problems: [String] = []
    var defined: Set<String> = []
    func define(_ name: String, twice: Bool = false) {
      if !name.isEmpty, !defined.insert(name).inserted, !twice { problems.append("the value '\(name)' is defined twice") }
    }
    for tensor in initializer { define(tensor.name ?? "") }
    for tensor in sparseInitializer { define(tensor.values?.name ?? "") }
    for value in input { define(value.name ?? "", twice: true) }
    let made = Set(node.flatMap(\.output))
    var early = false
    for item in node {
      for name in item.input + FreeNames.of(item) where !name.isEmpty && !defined.contains(name) {
        if made.contains(name) { early = true } else { problems.append("the value '\(name)' is used but not defined") }
        if problems.count >= limit { return problems }
      }
      for name in item.output { define(name) }
    }
    for value in output where !defined.contains(value.name ?? "") { problems.append("the output '\(value.name ?? "")' is not defined") }
    if early {
      problems.append(NodeOrder(node).hasCycle ? "the nodes use each other in a circle" : "nodes stand before those whose values they use")
    }
    return Array(problems.prefix(limit))
  }
}
