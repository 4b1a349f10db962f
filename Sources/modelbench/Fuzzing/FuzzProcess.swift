import Foundation
import Synchronization

/// A worker on a range of numbers, watched.
struct FuzzProcess {
  let files: [String]
  let range: Range<Int>
  let memory: Int
  let keep: String
  let whole: Bool
  let timeout: Double

  struct Result {
    var outcomes: [String: Int] = [:]
    /// The number that took longest.
    var longest: (number: Int, seconds: Double) = (0, 0)
    /// The first number that was not finished.
    var next: Int
    /// How it ended; `nil` when all were finished.
    var failure: String?
  }

  func run() throws -> Result {
    let process = Process(), output = Pipe()
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    process.executableURL = URL(fileURLWithPath: own)
    process.arguments =
      ["fuzz-worker"] + files
      + ["--first", "\(range.lowerBound)", "--count", "\(range.count)", "--memory", "\(memory)", "--keep", keep]
      + (whole ? ["--whole"] : [])
    process.standardOutput = output
    // What a trap prints there would drown the report.
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
          kill(process.processIdentifier, SIGKILL)
          return
        }
      }
    }
    watch.start()
    var result = Result(next: range.lowerBound), rest = Data(), path: String?, started = Date()
    while true {
      let chunk = output.fileHandleForReading.availableData
      if chunk.isEmpty { break }
      progress.withLock { $0.last = Date() }
      rest.append(chunk)
      while let end = rest.firstIndex(of: 10) {
        let words = String(decoding: rest[rest.startIndex..<end], as: UTF8.self).split(separator: " ", maxSplits: 2).map(String.init)
        rest = Data(rest[rest.index(after: end)...])
        if words.count == 3, words[1] == "done" {
          result.outcomes[words[2], default: 0] += 1
          let seconds = Date().timeIntervalSince(started)
          if seconds > result.longest.seconds { result.longest = (result.next, seconds) }
          result.next += 1
          path = nil
        } else if words.count == 2 {
          (path, started) = (words[1], Date())
        }
      }
    }
    process.waitUntilExit()
    let isLate = progress.withLock { state in
      state.isDone = true
      return state.isLate
    }
    guard result.next < range.upperBound else { return result }
    result.failure = isLate ? "took longer than \(Int(timeout)) s" : "the process ended with signal or code \(process.terminationStatus)"
    if let path {
      let kept = "\(keep)/\(URL(fileURLWithPath: path).lastPathComponent)"
      try? FileManager.default.copyItem(atPath: path, toPath: kept)
      try? FileManager.default.removeItem(atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path)
      result.failure? += ", kept as \(kept)"
    }
    return result
  }
}
