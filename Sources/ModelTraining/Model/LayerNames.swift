/// Keras's automatic names: `dense`, `dense_1`, …
enum LayerNames {
  static func next(for className: String) -> String {
    let base = snakeCase(className), count = Session.current.count(base)
    return count == 0 ? base : "\(base)_\(count)"
  }

  /// `BatchNormalization` to `batch_normalization`, `Conv2D` to `conv2d`, `LSTM` to `lstm`.
  static func snakeCase(_ name: String) -> String {
    let letters = Array(name.prefix { $0 != "<" })
    var result = ""
    for (index, letter) in letters.enumerated() {
      if letter.isUppercase, index > 0 {
        let before = letters[index - 1], after = index + 1 < letters.count ? letters[index + 1] : nil
        // As Keras's two substitutions: a word starts at a capital with small letters behind it, or behind a small letter.
        if (after?.isLowercase ?? false) || before.isLowercase { result.append("_") }
      }
      result.append(letter.lowercased())
    }
    return result
  }
}
