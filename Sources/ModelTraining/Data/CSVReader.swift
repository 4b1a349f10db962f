import ModelSupport

/// Goes through the rows of a text file that is mapped, not loaded.
struct CSVReader {
  private let file: MappedFile
  private let options: CSVOptions
  private let delimiter: UInt8
  private var position = 0
  /// The line that the last row began in, from 1.
  private(set) var line = 0
  private var nextLine = 1
  /// No sound row is longer.
  private static let maxRow = 1 << 24

  /// - Throws: `StorageError`; `TensorError` for a delimiter that is no single byte.
  init(_ path: String, _ options: CSVOptions) throws {
    guard let delimiter = options.delimiter.asciiValue, delimiter != 0x0A, delimiter != 0x0D, delimiter != 0x22 else {
      throw TensorError(.invalidArgument, "CSV: '\(options.delimiter)' can't part fields")
    }
    file = try MappedFile(path: path)
    self.options = options
    self.delimiter = delimiter
    let bytes = file.bytes
    if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { position = 3 }
  }

  /// The fields of the next row that is not empty; `nil` at the end.
  /// - Throws: `FormatError` naming the line.
  mutating func next() throws -> [[UInt8]]? {
    let bytes = file.bytes
    // Empty lines are passed over, as TensorFlow does.
    while position < bytes.count, bytes[position] == 0x0A || bytes[position] == 0x0D {
      if bytes[position] == 0x0A { nextLine += 1 }
      position += 1
    }
    guard position < bytes.count else { return nil }
    line = nextLine
    var fields: [[UInt8]] = [], field: [UInt8] = [], isQuoted = false, wasQuoted = false
    let start = position
    while position < bytes.count {
      let byte = bytes[position]
      guard position - start < Self.maxRow else { throw error(.limitExceeded, "expected rows of at most 16 MiB") }
      position += 1
      if isQuoted {
        if byte == 0x22 {
          if position < bytes.count, bytes[position] == 0x22 {
            field.append(byte)
            position += 1
          } else {
            isQuoted = false
          }
        } else {
          if byte == 0x0A { nextLine += 1 }
          field.append(byte)
        }
      } else if byte == delimiter {
        fields.append(field)
        (field, wasQuoted) = ([], false)
      } else if byte == 0x0A {
        nextLine += 1
        if field.last == 0x0D, !wasQuoted { field.removeLast() }
        fields.append(field)
        return fields
      } else if byte == 0x22, options.usesQuotes {
        guard field.isEmpty, !wasQuoted else {
          throw error(.invalidStructure, "found a quotation mark inside of a field that has none around it")
        }
        isQuoted = true
        wasQuoted = true
      } else {
        guard !wasQuoted || byte == 0x0D else { throw error(.invalidStructure, "expected '\(options.delimiter)' behind a quoted field") }
        if !(wasQuoted && byte == 0x0D) { field.append(byte) }
      }
    }
    guard !isQuoted else { throw error(.truncated, "the file ends inside of a quoted field") }
    if field.last == 0x0D, !wasQuoted { field.removeLast() }
    fields.append(field)
    return fields
  }

  func error(_ code: FormatError.Code, _ message: String) -> FormatError {
    FormatError(code, message, at: SourceLocation(file: file.path)).within("line \(line)")
  }
}
