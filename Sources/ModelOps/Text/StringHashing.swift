private func rotate(_ x: UInt64, _ shift: UInt64) -> UInt64 { x >> shift | x << (64 - shift) }
private func word(_ s: [UInt8], _ at: Int) -> UInt64 { (0..<8).reduce(0) { $0 | UInt64(s[at + $1]) << UInt64(8 * $1) } }
private func half(_ s: [UInt8], _ at: Int) -> UInt64 { (0..<4).reduce(0) { $0 | UInt64(s[at + $1]) << UInt64(8 * $1) } }

private let k0: UInt64 = 0xC3A5_C85C_97CB_3127
private let k1: UInt64 = 0xB492_B66F_BE98_F273
private let k2: UInt64 = 0x9AE1_6A3B_2F90_404F

private func mix(_ x: UInt64) -> UInt64 { x ^ x >> 47 }
private func combine(_ u: UInt64, _ v: UInt64, _ multiplier: UInt64) -> UInt64 {
  let a = mix((u ^ v) &* multiplier)
  return mix((v ^ a) &* multiplier) &* multiplier
}

/// TensorFlow's `FingerprintCat64`: one hash of two.
public func fingerprintCat64(_ a: UInt64, _ b: UInt64) -> UInt64 {
  let factor: UInt64 = 0xc6a4_a793_5bd1_e995
  var result = a ^ factor
  result ^= mix(b &* factor) &* factor
  result = result &* factor
  result = mix(result) &* factor
  return mix(result)
}

/// FarmHash's `Fingerprint64` (Pike, 2014), the same on every machine.
public func farmHash64(_ s: [UInt8]) -> UInt64 {
  let n = s.count, length = UInt64(n), multiplier = k2 &+ length &* 2
  if n == 0 { return k2 }
  if n < 4 {
    let y = UInt64(s[0]) + UInt64(s[n >> 1]) << 8, z = length + UInt64(s[n - 1]) << 2
    return mix(y &* k2 ^ z &* k0) &* k2
  }
  if n < 8 { return combine(length &+ half(s, 0) << 3, half(s, n - 4), multiplier) }
  if n <= 16 {
    let a = word(s, 0) &+ k2, b = word(s, n - 8)
    return combine(rotate(b, 37) &* multiplier &+ a, (rotate(a, 25) &+ b) &* multiplier, multiplier)
  }
  guard n > 64 else {
    let a = word(s, 0) &* (n <= 32 ? k1 : k2), b = word(s, 8)
    let c = word(s, n - 8) &* multiplier, d = word(s, n - 16) &* k2
    let y = rotate(a &+ b, 43) &+ rotate(c, 30) &+ d
    let z = combine(y, a &+ rotate(b &+ k2, 18) &+ c, multiplier)
    if n <= 32 { return z }
    let e = word(s, 16) &* multiplier, f = word(s, 24)
    let g = (y &+ word(s, n - 32)) &* multiplier, h = (z &+ word(s, n - 24)) &* multiplier
    return combine(rotate(e &+ f, 43) &+ rotate(g, 30) &+ h, e &+ rotate(f &+ a, 18) &+ g, multiplier)
  }
  return longFarmHash64(s)
}

/// 64 bytes at a time.
private func longFarmHash64(_ s: [UInt8]) -> UInt64 {
  var x: UInt64 = 81, y = x &* k1 &+ 113
  var z = mix(y &* k2 &+ 113) &* k2, v: (UInt64, UInt64) = (0, 0), w: (UInt64, UInt64) = (0, 0)
  x = x &* k2 &+ word(s, 0)
  func weak(_ at: Int, _ first: UInt64, _ second: UInt64) -> (UInt64, UInt64) {
    var a = first &+ word(s, at)
    var b = rotate(second &+ a &+ word(s, at + 24), 21)
    let c = a
    a = a &+ word(s, at + 8) &+ word(s, at + 16)
    b = b &+ rotate(a, 44)
    return (a &+ word(s, at + 24), b &+ c)
  }
  func round(_ at: Int, _ multiplier: UInt64, _ first: UInt64) {
    x = rotate(x &+ y &+ v.0 &+ word(s, at + 8), 37) &* multiplier
    y = rotate(y &+ v.1 &+ word(s, at + 48), 42) &* multiplier
    x ^= w.1 &* first
    y = y &+ v.0 &* first &+ word(s, at + 40)
    z = rotate(z &+ w.0, 33) &* multiplier
    v = weak(at, v.1 &* multiplier, x &+ w.0)
    w = weak(at + 32, z &+ w.1, y &+ word(s, at + 16))
    swap(&z, &x)
  }
  let end = (s.count - 1) / 64 * 64, rest = (s.count - 1) & 63
  for at in stride(from: 0, to: end, by: 64) { round(at, k1, 1) }
  let multiplier = k1 &+ (z & 0xFF) << 1
  w.0 = w.0 &+ UInt64(rest)
  v.0 = v.0 &+ w.0
  w.0 = w.0 &+ v.0
  round(end + rest - 63, multiplier, 9)
  return combine(
    combine(v.0, w.0, multiplier) &+ mix(y) &* k0 &+ z, combine(v.1, w.1, multiplier) &+ x, multiplier)
}

/// SipHash-2-4 (Aumasson and Bernstein, 2012).
func sipHash(_ s: [UInt8], _ key0: UInt64, _ key1: UInt64) -> UInt64 {
  var a = key0 ^ 0x736F_6D65_7073_6575, b = key1 ^ 0x646F_7261_6E64_6F6D
  var c = key0 ^ 0x6C79_6765_6E65_7261, d = key1 ^ 0x7465_6462_7974_6573
  func round() {
    a = a &+ b
    c = c &+ d
    b = rotate(b, 51) ^ a
    d = rotate(d, 48) ^ c
    a = rotate(a, 32)
    c = c &+ b
    a = a &+ d
    b = rotate(b, 47) ^ c
    d = rotate(d, 43) ^ a
    c = rotate(c, 32)
  }
  func absorb(_ m: UInt64) {
    d ^= m
    round()
    round()
    a ^= m
  }
  let whole = s.count / 8 * 8
  for at in stride(from: 0, to: whole, by: 8) { absorb(word(s, at)) }
  var last = UInt64(s.count & 0xFF) << 56
  for at in whole..<s.count { last |= UInt64(s[at]) << UInt64(8 * (at - whole)) }
  absorb(last)
  c ^= 0xFF
  for _ in 0..<4 { round() }
  return a ^ b ^ c ^ d
}
