/// A page of tables with its style inside. Everything that comes from a file is escaped.
public struct HTMLPage {
  private let title: String
  private var body = ""

  public init(title: String) { self.title = title }

  /// Pairs of a name and a value below the title.
  public mutating func facts(_ facts: [(String, String)]) {
    body += "<dl>\n"
    for (name, value) in facts { body += "<dt>\(name.escaped)</dt><dd>\(value.escaped)</dd>\n" }
    body += "</dl>\n"
  }

  /// - Parameter columns: titles; one that begins with `>` heads a column aligned to the right.
  public mutating func section(_ title: String, columns: [String], rows: [[String]]) {
    open(title, count: rows.count)
    if rows.isEmpty {
      body += "<p>none</p>\n"
    } else {
      body += "<div class=\"wide\"><table>\n<tr>"
      for column in columns {
        body += column.hasPrefix(">") ? "<th class=\"n\">\(column.dropFirst())</th>" : "<th>\(column.escaped)</th>"
      }
      body += "</tr>\n"
      for row in rows {
        body += "<tr>"
        for (cell, column) in zip(row, columns) {
          body += column.hasPrefix(">") ? "<td class=\"n\">\(cell.escaped)</td>" : "<td>\(cell.escaped)</td>"
        }
        body += "</tr>\n"
      }
      body += "</table></div>\n"
    }
    close()
  }

  public mutating func section(_ title: String, list: [String]) {
    open(title, count: nil)
    body += "<ul>\n" + list.map { "<li>\($0.escaped)</li>\n" }.joined() + "</ul>\n"
    close()
  }

  public mutating func section(_ title: String, listing: String) {
    open(title, count: nil)
    body += "<pre>\(listing.escaped)</pre>\n"
    close()
  }

  public mutating func paragraph(_ text: String, emphasis: Bool? = nil) {
    let style = emphasis.map { $0 ? " class=\"good\"" : " class=\"bad\"" } ?? ""
    body += "<p\(style)>\(text.escaped)</p>\n"
  }

  private mutating func open(_ title: String, count: Int?) {
    body += "<section>\n<h2>\(title.escaped)" + (count.map { " <small>\($0)</small>" } ?? "") + "</h2>\n"
  }
  private mutating func close() { body += "</section>\n" }

  public var text: String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>\(title.escaped)</title>
    <style>
    body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222; background: #fff; }
    h1 { font-size: 1.5rem; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin: 1.6rem 0 .4rem; } small { color: #777; font-weight: normal; }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem; } dt { color: #666; } dd { margin: 0; overflow-wrap: anywhere; }
    .wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
    th { text-align: left; color: #666; font-weight: 600; } th, td { padding: .2rem .9rem .2rem 0; border-bottom: 1px solid #e4e4e4; vertical-align: top; overflow-wrap: anywhere; }
    .n { text-align: right; } pre { overflow-x: auto; background: #f6f6f6; padding: .8rem; font-size: 13px; }
    .good { color: #14692a; font-weight: 600; } .bad { color: #a11; font-weight: 600; }
    @media (prefers-color-scheme: dark) { body { background: #16181c; color: #ddd; } pre { background: #22252b; } th, td { border-color: #333; } }
    </style>
    </head>
    <body>
    <h1>\(title.escaped)</h1>
    \(body)</body>
    </html>

    """
  }
}

extension String {
  /// The text with everything escaped that HTML reads as markup.
  fileprivate var escaped: String {
    var out = ""
    for character in printableLines {
      switch character {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      default: out.append(character)
      }
    }
    return out
  }

  private var printableLines: String {
    split(separator: "\n", omittingEmptySubsequences: false).map { String($0).printable }.joined(separator: "\n")
  }
}
