import ModelGraph
import ModelOps
import ModelTensor

/// Small canonical graphs with bodies.
enum ControlFlowModels {
  /// `h ← h · weight + x` over the first axis of `x` `[T, 1]`; gives the last `h`.
  static func scan(weight: Float) throws -> Model {
    var model = Model()
    let id = model.add(Parameter(name: "weight", tensor: Tensor(NDArray([weight], [1]))))
    var body = GraphContext(model, graph: Graph(name: "body"))
    let h = body.graph.addInput("h", TensorType(.float32, [1])), x = body.graph.addInput("x", TensorType(.float32, [1]))
    let w = body.graph.addParameter(id, of: model)
    body.graph.addOutput("next", try body.add(try body.mul(h, w), x))
    model.graphs[.main] = Graph()
    model.graphs[GraphID("body")] = body.graph
    var main = Graph(name: "main")
    let sequence = main.addInput("sequence", TensorType(.float32, [3, 1]))
    let start = main.addConstant(Tensor(NDArray([Float(0)], [1])), name: "start")
    let op = ScanOp(stateCount: 1, inputAxes: [0], inputsReversed: [false], outputAxes: [], outputsReversed: [], scanTypes: [])
    let node = main.append(op, [start, sequence], types: [TensorType(.float32, [1])], name: "scan", bodies: [GraphID("body")])
    main.addOutput("last", main[node].outputs[0])
    model.mainGraph = main
    return model
  }

  /// `x · (g · w)ᵀ` and `x · (g · w)ᵀ + g`: an op's weights are made of others first, and two ops share what is made.
  static func madeOfWeights() throws -> Model {
    var model = Model()
    let w = model.add(Parameter(name: "w", tensor: Tensor(NDArray([1, 2] as [Float], [1, 2]))))
    let g = model.add(Parameter(name: "g", tensor: Tensor(NDArray([3] as [Float], [1, 1]))))
    var main = GraphContext(model, graph: Graph(name: "main"))
    let x = main.graph.addInput("x", TensorType(.float32, [1, 2]))
    let gain = main.graph.addParameter(g, of: model)
    let kernel = try main.transpose(try main.mul(gain, main.graph.addParameter(w, of: model)), [1, 0])
    let y = try main.matmul(x, kernel)
    main.graph.addOutput("y", y)
    main.graph.addOutput("z", try main.add(try main.matmul(x, kernel), gain))
    model.mainGraph = main.graph
    return model
  }

  /// `3x` where the sum of `x` is positive, else `-x`.
  static func branch() throws -> Model {
    var model = Model()
    for (name, factor) in [("then", 3.0), ("else", -1.0)] {
      var body = GraphContext(model, graph: Graph(name: name))
      let x = body.graph.addInput("x", TensorType(.float32, [1]))
      body.graph.addOutput("y", try body.mul(x, try body.scalar(factor, like: x)))
      model.graphs[GraphID(name)] = body.graph
    }
    var main = GraphContext(model, graph: Graph(name: "main"))
    let x = main.graph.addInput("x", TensorType(.float32, [1]))
    let sum = try main.reduce(.sum, x, axes: nil)
    let condition = try main.apply(GreaterOp(), sum, try main.scalar(0, like: sum))
    let node = main.graph.append(
      IfOp(), [condition, x], types: [TensorType(.float32, [1])], name: "if", bodies: [GraphID("then"), GraphID("else")])
    main.graph.addOutput("y", main.graph[node].outputs[0])
    model.mainGraph = main.graph
    return model
  }
}
