import ModelGraph

extension Model {
  /// The name for a graph to be added: the given one, or with the first number that is free.
  func freeGraphID(_ name: String) -> GraphID {
    var id = GraphID(name), number = 1
    while graphs[id] != nil {
      number += 1
      id = GraphID("\(name)#\(number)")
    }
    return id
  }
}
