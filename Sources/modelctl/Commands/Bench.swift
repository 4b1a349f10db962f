import ArgumentParser
import ModelKit
import ModelSupport
import ModelVerify

struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures how long a model takes for one run.")

  @Argument(help: "The model.")
  var model: String
  @Option(help: ArgumentHelp("The extent of unknown first axes.", valueName: "n"))
  var batch = 1
  @OptionGroup var source: SourceOptions
  @OptionGroup var threading: ThreadOptions
  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    guard (1...65536).contains(batch) else { throw ValidationError("--batch must be from 1 to 65536.") }
  }

  func run() throws {
    let result = try about(model) {
      try Benchmark(FormatRegistry.open(model, options: source.read), batch: batch, threads: threading.threads).measure()
    }
    if json {
      print(result.json.text(.indented))
    } else {
      print("median \(numberText(result.medianMilliseconds, digits: 4)) ms, 90 % below \(numberText(result.p90Milliseconds, digits: 4)) ms")
      print("\(result.runs) runs, batch \(result.batch), threads \(result.threads)")
    }
  }
}
