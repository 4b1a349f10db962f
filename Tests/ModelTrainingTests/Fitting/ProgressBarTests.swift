import Testing

@testable import ModelTraining

@Suite struct ProgressBarTests {
  /// Without colours.
  private func plain(_ text: String) -> String { text.replacing(#/\u{1b}\[[0-9;]*m/#, with: "") }

  @Test func linesAreKeras() {
    var bar = ProgressBar(target: 120)
    bar.note(1)
    let first = plain(bar.line(30, [("accuracy", 0.5), ("loss", 0.00012345)], isLast: false))
    #expect(first.hasPrefix("\r 30/120 ━━━━━━━━━━━━━━━━━━━━ 0s "))
    #expect(first.hasSuffix("/step - accuracy: 0.5000 - loss: 1.2345e-04"))
    let last = plain(bar.line(120, [("loss", 2)], isLast: true))
    #expect(last.hasPrefix("\r120/120 ━━━━━━━━━━━━━━━━━━━━ 0s ") && last.hasSuffix("\n") && last.contains(" - loss: 2.0000 "))
    var open = ProgressBar(target: nil)
    #expect(plain(open.line(7, [], isLast: false)).hasPrefix("\r      7/Unknown 0s "))
    #expect(bar.summary(120, [("loss", 1)]).hasPrefix("120/120 - 0s - "))
  }
}
