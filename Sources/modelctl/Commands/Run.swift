import ArgumentParser
import ModelGraph
import ModelKit
import ModelRuntime
import ModelSupport
import ModelTensor
import ModelVerify

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs a model on arrays from an .npz file.",
    discussion: """
      The keys of the archives are the model's input and output names. When a key matches no name \
      and the counts agree, order decides.
      """)

  @Argument(help: "The model.")
  var model: String
  @Option(help: ArgumentHelp("The inputs.", valueName: "in.npz"))
  var inputs: String
  @Option(help: ArgumentHelp("Where to write the outputs; replaced when it exists.", valueName: "out.npz"))
  var outputs: String
  @Option(
    help: ArgumentHelp(
      "Invoke the model this often in a row, keeping its variables: the first axis of every input and output counts the invocations.",
      valueName: "n"))
  var invocations: Int?
  @OptionGroup var source: SourceOptions
  @OptionGroup var threading: ThreadOptions

  func run() throws {
    if let invocations { return try runRepeatedly(invocations) }
    let executor = try about(model) {
      try Executor(FormatRegistry.open(model, options: source.read), options: threading.execution)
    }
    let data = try DataFile.read(inputs), arrays: [NDArray]
    do { arrays = try executor.inputs.pick(from: data) } catch let error as FormatError { throw error.inFile(inputs) }
    warnOfSurplus(executor.inputs, data.map(\.name))
    let results = try about(model) { try executor.run(arrays) }
    try DataFile.write(zip(executor.outputs, results).map { ($0.name, $1) }, to: outputs)
  }

  private func warnOfSurplus(_ ports: [Executor.Port], _ names: [String]) {
    let unused = ports.surplus(among: names)
    guard !unused.isEmpty else { return }
    let list = unused.map { "'\($0.printable)'" }.joined(separator: ", "), taken = ports.map { "'\($0.name)'" }.joined(separator: ", ")
    writeError("warning: \(inputs): not used: \(list); the model takes \(taken)")
  }

  private func runRepeatedly(_ count: Int) throws {
    guard count > 0 else { throw ValidationError("--invocations takes a positive number") }
    let interpreter = try about(model) {
      try Interpreter(FormatRegistry.open(model, options: source.read), options: threading.execution)
    }
    let data = try DataFile.read(inputs), ports = interpreter.inputDetails.map { (name: $0.name, type: TensorType($0.dtype, .unranked)) }
    let arrays = try ports.pick(from: data)
    warnOfSurplus(ports, data.map(\.name))
    guard arrays.allSatisfy({ $0.rank > 0 && $0.shape[0] == count }) else {
      throw ExecutionError(.invalidInput, "the first axis of every input must have the extent \(count)")
    }
    var results: [[NDArray]] = interpreter.outputDetails.map { _ in [] }
    try about(model) {
      try interpreter.allocateTensors()
      for step in 0..<count {
        for (index, array) in arrays.enumerated() {
          try interpreter.setInput(index, array.slice(step..<(step + 1)).reshaped(Array(array.shape.dropFirst())))
        }
        try interpreter.invoke()
        for index in results.indices { results[index].append(try interpreter.output(index)) }
      }
    }
    let named = try zip(interpreter.outputDetails, results).map { ($0.name, try NDArray(stacking: $1)) }
    try DataFile.write(named, to: outputs)
  }
}

extension NDArray {
  /// Arrays of one type, one behind the other along a new first axis.
  fileprivate init(stacking arrays: [NDArray]) throws {
    guard let first = arrays.first, arrays.allSatisfy({ $0.shape == first.shape && $0.dtype == first.dtype }) else {
      throw ExecutionError(.shapeMismatch, "an output has another shape in every invocation")
    }
    if first.dtype == .string {
      self.init(strings: arrays.flatMap(\.strings), [arrays.count] + first.shape)
      return
    }
    self.init(uninitialized: first.dtype, [arrays.count] + first.shape)
    withMutableBytes { all in
      for (index, array) in arrays.enumerated() {
        array.withBytes { bytes in
          UnsafeMutableRawBufferPointer(rebasing: all[(index * bytes.count)..<((index + 1) * bytes.count)]).copyMemory(from: bytes)
        }
      }
    }
  }
}
