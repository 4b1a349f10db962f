import Foundation
import Testing

/// A process that is ended from outside leaves nothing half written.
@Suite struct InterruptionTests {
  @Test(arguments: [SIGTERM, SIGINT]) func leavesNothingBehind(_ signal: Int32) throws {
    let model = MutationTests.root + "/keras/shapes-cnn/model.keras"
    // On a machine with other work the command may be done before the signal comes: then once more.
    for attempt in 1...10 {
      let scratch = try Scratch()
      let command = try #require(try? Command.start("convert", model, scratch.file("out.onnx"), "--samples", "1000", "--threads", "1"))
      // It verifies for a while; what it verifies has been written by then.
      for _ in 0..<3000 where scratch.names.isEmpty && command.isRunning { usleep(10_000) }
      #expect(!scratch.names.isEmpty)
      usleep(50_000)
      kill(command.processIdentifier, signal)
      command.waitUntilExit()
      if attempt < 10, command.terminationReason == .exit, command.terminationStatus == 0 { continue }
      #expect(command.terminationReason == .uncaughtSignal && command.terminationStatus == signal)
      #expect(scratch.names.isEmpty)
      return
    }
  }
}
