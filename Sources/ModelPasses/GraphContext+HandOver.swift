import ModelGraph

extension GraphContext {
  /// Puts the graph back into the model under its name, and lets go of both: while two hold a model, a graph put into one of
  /// them copies the table of all graphs, which makes passes over models of thousands of branches slow.
  mutating func handOver(_ id: GraphID, to model: inout Model) {
    let result = graph
    graph = Graph()
    model = self.model
    self.model = Model()
    model.graphs[id] = result
  }
}
