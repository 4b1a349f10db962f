import ModelGraph
import ModelOps
import ModelTensor
import Testing

/// What TensorFlow 2.21 gives.
@Suite struct StringHashTests {
  private let texts = [
    "", "a", "abc", "abcdefg", "hello world", "twenty characters  x", String(repeating: "x", count: 33),
    String(repeating: "long text ", count: 15),
  ]

  private func run(_ op: any PrimitiveOp, _ texts: [String]) throws -> NDArray {
    let x = NDArray(strings: texts.map { Array($0.utf8) }, [texts.count])
    return try op.evaluate([x], in: ExecutionContext(primitives: ReferencePrimitives()))[0]
  }

  @Test func farmHash() throws {
    #expect(
      try run(StringHashOp(bucketCount: 1 << 62), texts).values(Int64.self) == [
        1_936_946_117_179_621_455, 3_694_432_073_954_588_131, 2_640_714_258_260_161_385, 4_341_691_227_789_030_229,
        1_769_834_696_496_558_107, 2_197_500_740_571_258_039, 3_046_993_373_088_323_127, 3_035_351_984_103_313_137,
      ])
  }
  @Test func sipHash() throws {
    #expect(
      try run(StringHashOp(bucketCount: 1 << 62, key: [12345, -7]), texts).values(Int64.self) == [
        4_036_056_933_517_785_824, 3_409_404_340_648_046_421, 2_566_460_375_436_081_070, 2_051_085_076_083_226_414,
        3_369_796_283_981_136_525, 1_008_210_825_015_751_834, 3_534_840_265_443_235_579, 2_210_547_933_735_458_301,
      ])
  }
  @Test func bucketsThatCannotBe() {
    #expect(throws: ExecutionError.self) { try run(StringHashOp(bucketCount: 0), texts) }
    #expect(throws: ExecutionError.self) { try run(StringHashOp(bucketCount: 4, key: [1]), texts) }
  }
  @Test(arguments: [
    (#"(\w+)\s+(\w+)"#, #"\2 \1"#, ["baz foobar, 12345 a1b22b!", "  hello xx world  ", "", "ab aab xx"]),
    ("x*", "-", ["-f-o-o-b-a-r- -b-a-z-,- -a-1-b-2-2-b- -1-2-3-4-5-!-", "- - - -h-e-l-l-o- -w-o-r-l-d- - -", "-", "-a-a-b- -a-b- -"]),
    ("a.*?b", #"<\0>"#, ["foob<ar b><az, a1b>22b 12345!", "  xx hello world  ", "", "<aab> <ab> xx"]),
    ("foo|foobar|b", "#", ["##ar #az, a1#22# 12345!", "  xx hello world  ", "", "aa# a# xx"]),
    (#"^\s+|\s+$"#, "", ["foobar baz, a1b22b 12345!", "xx hello world", "", "aab ab xx"]),
    ("[0-9]{2,3}", "N", ["foobar baz, a1bNb NN!", "  xx hello world  ", "", "aab ab xx"]),
  ])
  func replacements(pattern: String, rewrite: String, expected: [String]) throws {
    let lines = ["foobar baz, a1b22b 12345!", "  xx hello world  ", "", "aab ab xx"]
    let replaced = try run(RegexReplaceOp(pattern: pattern, rewrite: rewrite), lines)
    #expect(replaced.strings.map { String(decoding: $0, as: UTF8.self) } == expected)
  }
}
