/// Keras 3's zip archive.
struct KerasHandler: FormatHandler {
  let format = ModelFormat.keras
  func matches(_ candidate: FormatCandidate) -> Bool {
    candidate.has([0x50, 0x4B, 0x03, 0x04], at: 0) && candidate.mentions("config.json")
      && !candidate.mentions("fingerprint.pb")
  }
}
