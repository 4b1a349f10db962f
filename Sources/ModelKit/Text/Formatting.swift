#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// `value` by C's `%.*g`.
func formatted(_ value: Double, _ digits: Int) -> String {
  var text = [CChar](repeating: 0, count: 64)
  let count = withVaList([Int32(digits), value]) { vsnprintf(&text, text.count, "%.*g", $0) }
  return String(decoding: text.prefix(max(0, Int(count))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
