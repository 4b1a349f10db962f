import ArgumentParser
import ModelKit
import ModelSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

@main
struct Modelctl: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "modelctl",
    abstract: "Inspects, converts, verifies, runs and trains models.",
    discussion: """
      Formats: savedmodel, keras, h5, tflite, onnx, tfjs-layers, tfjs-graph. A source's format is \
      found in its contents; a destination's is --to, else its extension.

      Exit codes: 0 done or equivalent; 1 not equivalent, or training failed; 64 usage; 65 malformed model or data; \
      66 input missing or unreadable; 69 something the target or the engine does not support; \
      73 destination can't be created; 74 reading or writing failed part-way.

      'modelctl --generate-completion-script zsh' (or bash, fish) prints a completion script.
      """,
    version: "0.1.0",
    subcommands: [Inspect.self, Convert.self, Verify.self, Run.self, Train.self, Bench.self])

  /// Parses, runs, and ends with the exit code of the contract.
  static func main() {
    // A limit on the size of files shall be an error of the write that meets it, not the end of the process.
    signal(SIGXFSZ, SIG_IGN)
    Interruption.watch()
    do {
      var command = try parseAsRoot()
      try command.run()
      guard fflush(nil) == 0 else {
        throw StorageError(.ioFailed, String(cString: strerror(errno)), path: "standard output")
      }
    } catch {
      Failure(error).exit()
    }
  }
}
