import ModelGraph
import ModelOps
import ModelTensor

/// `y = relu(x · w1) · w2`, with names on everything.
func twoLayers(
  input: String = "x", output: String = "y", batch: Dim = .named("batch"), perturbed: Bool = false,
  dtype: DType = .float32
) throws -> Model {
  var model = Model()
  func weights(_ rows: Int, _ columns: Int, _ seed: Int) -> Tensor {
    Tensor(NDArray((0..<(rows * columns)).map { Float(($0 * 7 + seed) % 11) / 11 - 0.4 }, [rows, columns]))
  }
  var w2 = weights(5, 3, 2)
  if perturbed {
    var values = try w2.array().values(Float.self)
    values[4] += 0.01
    w2 = Tensor(NDArray(values, [5, 3]))
  }
  let first = model.add(Parameter(name: "first/kernel", tensor: weights(4, 5, 1)))
  let second = model.add(Parameter(name: "second/kernel", tensor: w2))
  var context = GraphContext(model, graph: Graph())
  let x = context.graph.addInput(input, TensorType(dtype, .ranked([batch, 4])))
  let k1 = context.graph.addParameter(first, of: model), k2 = context.graph.addParameter(second, of: model)
  let a = try context.append(MatMulOp(), [x, k1], name: "first", resultNames: ["first_out"])[0]
  let b = try context.append(ReluOp(), [a], name: "act", resultNames: ["act_out"])[0]
  let c = try context.append(MatMulOp(), [b, k2], name: "second", resultNames: ["second_out"])[0]
  let d = try context.append(TanhOp(), [c], name: "last", resultNames: [output])[0]
  context.graph.addOutput(output, d)
  model.mainGraph = context.graph
  return model
}

/// A graph of one input and whatever `build` makes of it.
func model(
  _ type: TensorType, name: String = "x", _ build: (inout GraphContext, ValueID) throws -> ValueID
) throws -> Model {
  var model = Model()
  var context = GraphContext(model, graph: Graph())
  let x = context.graph.addInput(name, type)
  context.graph.addOutput("y", try build(&context, x))
  model.mainGraph = context.graph
  return model
}
