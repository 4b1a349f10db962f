import ArgumentParser
import ModelKit
import ModelSupport

struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures how long a model takes for one run.")

  @Argument(help: "The model.")
  var model: String
  @Option(help: ArgumentHelp("The extent of unknown first axes.", valueName: "n"))
  var batch = 1
  @Option(help: ArgumentHelp("Threads to compute with (default: all cores).", valueName: "n"))
  var threads: Int?
  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    guard (1...65536).contains(batch) else { throw ValidationError("--batch must be from 1 to 65536.") }
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads must be from 1 to 1024.") }
  }

  func run() throws {
    throw UnsupportedError("measuring is not supported by this version")
  }
}
