import Foundation
import ModelTraining
import Synchronization
import Testing

/// Who waits for whom, and how much is held meanwhile.
@Suite struct DatasetThreadTests {
  private final class Counter: Sendable {
    let state = Mutex((now: 0, most: 0, total: 0))
    func enter() {
      state.withLock { state in
        state.now += 1
        state.total += 1
        state.most = max(state.most, state.now)
      }
    }
    func leave() { state.withLock { $0.now -= 1 } }
  }
  private struct Trouble: Error {}

  @Test func parallelMapsKeepTheOrder() throws {
    let counter = Counter()
    let data = Dataset<Int>.range(to: 60).map(parallel: 4) { value -> Int in
      counter.enter()
      defer { counter.leave() }
      Thread.sleep(forTimeInterval: value % 3 == 0 ? 0.004 : 0.001)
      return value * value
    }
    #expect(try data.array() == (0..<60).map { $0 * $0 })
    #expect(counter.state.withLock { $0.most } > 1)
  }

  @Test func prefetchRunsAheadNoFurtherThanItMay() throws {
    let counter = Counter()
    let data = Dataset<Int>.range(to: 100).map { value -> Int in
      counter.enter()
      return value
    }.prefetch(3)
    let iterator = try data.makeIterator()
    #expect(try iterator.next() == 0)
    Thread.sleep(forTimeInterval: 0.1)
    // One taken, three waiting, and one at the door.
    #expect((2...5).contains(counter.state.withLock { $0.total }))
    #expect(try iterator.next() == 1 && data.array() == Array(0..<100))
  }

  @Test func prefetchOverlapsWithWhoTakes() throws {
    func seconds(_ data: Dataset<Int>) throws -> Double {
      let start = Date()
      try data.forEach { _ in Thread.sleep(forTimeInterval: 0.01) }
      return Date().timeIntervalSince(start)
    }
    let slow = Dataset<Int>.range(to: 30).map { value -> Int in
      Thread.sleep(forTimeInterval: 0.01)
      return value
    }
    #expect(try seconds(slow.prefetch(2)) < 0.8 * seconds(slow))
  }

  @Test func errorsComeInTheirPlace() throws {
    for data in [
      Dataset<Int>.range(to: 10).map(parallel: 3) { if $0 == 4 { throw Trouble() } else { $0 } },
      Dataset<Int>.range(to: 10).map { if $0 == 4 { throw Trouble() } else { $0 } }.prefetch(2),
    ] {
      let iterator = try data.makeIterator()
      for index in 0..<4 { #expect(try iterator.next() == index) }
      #expect(throws: Trouble.self) { try iterator.next() }
    }
  }

  @Test func threadsEndWhenNobodyTakesAnyMore() throws {
    let counter = Counter()
    for _ in 0..<20 {
      let iterator = try Dataset<Int>.range(to: 1_000_000).map(parallel: 2) { value -> Int in
        counter.enter()
        return value
      }.prefetch(4).makeIterator()
      _ = try iterator.next()
    }
    Thread.sleep(forTimeInterval: 0.1)
    let before = counter.state.withLock { $0.total }
    Thread.sleep(forTimeInterval: 0.1)
    #expect(counter.state.withLock { $0.total } == before && before < 20 * 20)
  }

  @Test func aCacheReadsItsSourceOnce() throws {
    let counter = Counter()
    let data = Dataset<Int>.range(to: 5).map { value -> Int in
      counter.enter()
      return value
    }.cache()
    _ = try data.take(2).array()
    #expect(try data.array() == data.array() && data.array().count == 5)
    #expect(counter.state.withLock { $0.total } == 7)
  }
}
