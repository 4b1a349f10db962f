import ModelGraph
import ModelOps
import ModelTensor

/// The ops of `fixtures/ops/Text.json`.
public enum TextCases {
  public static let patterns = [
    "mail": #"(\W|^)[\w.\-]{0,25}@[a-z]+\.(org|de)(\W|$)"#, "nested": #"(a|[b-d]{2,3}|\w+@?)*?.*"#,
    "class": "[^[:upper:]]*", "flags": #"(?i)B@c\.DE\s?"#,
  ]
  public static func op(_ name: String) -> (any Op)? {
    func vectorizer(_ mode: TermWeighting, _ skip: Int, _ weights: [Float] = []) -> any Op {
      TfIdfVectorizerOp(
        mode: mode, minLength: 1, maxLength: 2, maxSkipCount: skip, counts: [0, 4], indices: [0, 1, 2, 3, 4, 5, 6],
        pool: NDArray([2, 3, 5, 4, 5, 6, 7, 8, 6, 7] as [Int64], [10]), weights: weights)
    }
    func strings(_ list: [String]) -> NDArray { NDArray(strings: list.map { Array($0.utf8) }, [list.count]) }
    let parts = name.split(separator: "/").map(String.init)
    switch name {
    case "StringConcat": return StringConcatOp()
    case "StringSplit/comma": return StringSplitOp(delimiter: ",")
    case "StringSplit/max": return StringSplitOp(delimiter: ",", maxSplit: 1)
    case "StringSplit/space": return StringSplitOp()
    case "StringNormalizer/upper":
      return StringNormalizerOp(caseChange: .upper, isCaseSensitive: true, stopwords: ["monday"])
    case "StringNormalizer/insensitive": return StringNormalizerOp(caseChange: .lower, stopwords: ["monday"])
    case "StringNormalizer/all": return StringNormalizerOp(isCaseSensitive: true, stopwords: ["monday"])
    case "LabelEncoder/strings":
      return LabelEncoderOp(
        keys: strings(["a", "b"]), values: NDArray([4, 9] as [Int64], [2]), defaultValue: NDArray([-7] as [Int64], [1]))
    case "LabelEncoder/ints":
      return LabelEncoderOp(
        keys: NDArray([3, 5] as [Int64], [2]), values: NDArray([0.5, -2] as [Float], [2]),
        defaultValue: NDArray([9] as [Float], [1]))
    case "TfIdfVectorizer/0": return vectorizer(.termFrequency, 0)
    case "TfIdfVectorizer/2": return vectorizer(.termFrequency, 2)
    case "TfIdfVectorizer/both": return vectorizer(.both, 1, [0.5, 2, 3, 1, 1.5, 2.5, 4])
    default: return patterns[parts[1]].map { RegexFullMatchOp(pattern: $0) }
    }
  }
  public static func op(_ recorded: RecordedCase) -> (any Op)? { op(recorded.name) }
}
