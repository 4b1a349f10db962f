import ArgumentParser
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
  @OptionGroup var source: SourceOptions
  @OptionGroup var threading: ThreadOptions

  func run() throws {
    let executor = try about(model) {
      try Executor(FormatRegistry.open(model, options: source.read), options: threading.execution)
    }
    let data = try DataFile.read(inputs), arrays: [NDArray]
    do { arrays = try executor.inputs.pick(from: data) } catch let error as FormatError { throw error.inFile(inputs) }
    let results = try about(model) { try executor.run(arrays) }
    try DataFile.write(zip(executor.outputs, results).map { ($0.name, $1) }, to: outputs)
  }
}
