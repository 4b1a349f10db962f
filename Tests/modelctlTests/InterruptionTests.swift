import Foundation
import Testing

/// A process that is ended from outside leaves nothing half written.
@Suite struct InterruptionTests {
  @Test(arguments: [SIGTERM, SIGINT]) func leavesNothingBehind(_ signal: Int32) throws {
    let scratch = try Scratch()
    let model = MutationTests.root + "/keras/shapes-cnn/model.keras"
    // Shells start what runs behind them with some signals ignored, which the command would take over.
    let handler = Foundation.signal(signal, SIG_DFL)
    defer { _ = Foundation.signal(signal, handler) }
    let command = try #require(try? Command.start("convert", model, scratch.file("out.onnx"), "--samples", "1000", "--threads", "1"))
    // It verifies for a while; what it verifies has been written by then.
    for _ in 0..<3000 where scratch.names.isEmpty && command.isRunning { usleep(10_000) }
    #expect(!scratch.names.isEmpty)
    usleep(50_000)
    kill(command.processIdentifier, signal)
    command.waitUntilExit()
    #expect(command.terminationReason == .uncaughtSignal && command.terminationStatus == signal)
    #expect(scratch.names.isEmpty)
  }
}
