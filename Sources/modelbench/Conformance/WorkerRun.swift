import Foundation
import Synchronization

/// One process that works through a list of cases until it ends, crashes or hangs.
struct WorkerRun {
  let directory: String
  let names: [String]
  let opset: Int?
  let keep: String?
  let seed: Int?
  let timeout: Double

  /// The results of the first cases: all of them, or up to and with the one that ended the process.
  func results() throws -> [ConformanceResult] {
    let process = Process(), input = Pipe(), output = Pipe()
    process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0]).standardizedFileURL
    if let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
      process.executableURL = URL(fileURLWithPath: own)
    }
    process.arguments =
      ["conformance-worker", directory] + (opset.map { ["--through", "\($0)"] } ?? []) + (keep.map { ["--keep", $0] } ?? [])
      + (seed.map { ["--damage", "\($0)"] } ?? [])
    process.standardInput = input
    process.standardOutput = output
    // What a trap prints there is of use to nobody: the report says that the case crashed.
    process.standardError = FileHandle.nullDevice
    try process.run()
    let progress = Mutex((last: Date(), isDone: false, isLate: false))
    let watch = Thread { [timeout] in
      while true {
        Thread.sleep(forTimeInterval: 0.25)
        let isLate = progress.withLock { state -> Bool? in
          if state.isDone { return nil }
          state.isLate = Date().timeIntervalSince(state.last) > timeout
          return state.isLate
        }
        guard let isLate else { return }
        if isLate {
          process.terminate()
          return
        }
      }
    }
    watch.start()
    // Another thread, because neither side's pipe may fill up while the other waits.
    let list = names.map { $0 + "\n" }.joined()
    let feeder = Thread {
      signal(SIGPIPE, SIG_IGN)
      try? input.fileHandleForWriting.write(contentsOf: Data(list.utf8))
      try? input.fileHandleForWriting.close()
    }
    feeder.start()
    var results: [ConformanceResult] = [], rest = Data()
    while true {
      let chunk = output.fileHandleForReading.availableData
      if chunk.isEmpty { break }
      progress.withLock { $0.last = Date() }
      rest.append(chunk)
      while let end = rest.firstIndex(of: 10) {
        let line = String(decoding: rest[rest.startIndex..<end], as: UTF8.self)
        rest = Data(rest[rest.index(after: end)...])
        if let result = ConformanceResult(line: line[...]) { results.append(result) }
      }
    }
    process.waitUntilExit()
    let isLate = progress.withLock { state in
      state.isDone = true
      return state.isLate
    }
    if results.count < names.count {
      let reason = isLate ? "took longer than \(Int(timeout)) s" : "the process ended with signal or code \(process.terminationStatus)"
      results.append(ConformanceResult(names[results.count], .crashed, reason))
    }
    return results
  }
}
