import ArgumentParser
import Foundation

/// Damages models by number and takes each one through the whole tool.
struct Fuzz: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Damage models and inspect, run and convert them: nothing may crash, hang or take much memory.",
    discussion: """
      Each number makes one damaged model of one of FILES, the same every time. A process of its own works through the \
      numbers under a limit on its memory; when it ends early or is late, the number is reported, the damaged model is kept, \
      and another process goes on behind it. Ends with 1 when there was such a number.
      """)

  @Argument(help: "The models: files of any format but directories.") var files: [String]
  @Option(help: "How many damaged models.") var count = 1000
  @Option(help: "The first number.") var first = 1
  @Option(help: "Seconds one model may take.") var timeout: Double = 60
  @Option(help: "Megabytes of memory one process may take beyond what it starts with.") var memory = 1024
  @Option(help: "Where damaged models are kept that end badly.") var keep = NSTemporaryDirectory()
  @Flag(help: "Take the files as they are, one after the other: something else has damaged them.") var whole = false

  func validate() throws {
    guard (1...10_000_000).contains(count), (0...1 << 40).contains(first), timeout > 0, (64...1 << 20).contains(memory) else {
      throw ValidationError("--count, --first, --timeout and --memory must be positive.")
    }
  }

  func run() throws {
    var next = first, bad = 0, totals: [String: Int] = [:], longest = (number: 0, seconds: 0.0)
    while next < first + count {
      let worker = FuzzProcess(files: files, range: next..<(first + count), memory: memory, keep: keep, whole: whole, timeout: timeout)
      let result = try worker.run()
      for (outcome, number) in result.outcomes { totals[outcome, default: 0] += number }
      next = result.next
      if result.longest.seconds > longest.seconds { longest = result.longest }
      guard let failure = result.failure else { continue }
      bad += 1
      say("number \(next): \(failure)")
      next += 1
    }
    let summary = totals.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    say("\(count) damaged models of \(files.count) files: \(summary); \(bad) ended badly")
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
    let seconds = String(format: "%.1f", longest.seconds)
    say("peak memory of a process \(usage.ru_maxrss >> 10) MiB; the longest took \(seconds) s (number \(longest.number))")
    if bad > 0 { throw ExitCode(1) }
  }

  /// Unbuffered: a run that is stopped has said what it found.
  private func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
}

/// The process that works through numbers: a line before each, and one after it.
struct FuzzWorker: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "fuzz-worker", shouldDisplay: false)
  @Argument var files: [String]
  @Option var first: Int
  @Option var count: Int
  @Option var memory: Int
  @Option var keep: String
  @Flag var whole = false

  func run() throws {
    limitMemory(toMegabytes: memory)
    let directory = NSTemporaryDirectory() + "fuzz-\(ProcessInfo.processInfo.processIdentifier)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    for number in first..<(first + count) {
      var run = FuzzRun(files: files, number: number, isWhole: whole, directory: directory)
      let path = "\(directory)/\(number)-\(run.name)"
      FileHandle.standardOutput.write(Data("\(number) \(path)\n".utf8))
      let outcome = try run.run(path)
      try? FileManager.default.removeItem(atPath: path)
      FileHandle.standardOutput.write(Data("\(number) done \(outcome)\n".utf8))
    }
  }
}

/// Address space beyond what is mapped already: a runaway allocation fails here, and with it the process.
private func limitMemory(toMegabytes megabytes: Int) {
  let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ").first.flatMap { UInt($0) } ?? 0
  let bytes = rlim_t(pages) * rlim_t(sysconf(Int32(_SC_PAGESIZE))) + rlim_t(megabytes) << 20
  var limit = rlimit(rlim_cur: bytes, rlim_max: bytes)
  _ = setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
}
