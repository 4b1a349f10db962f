import ModelGraph
import ModelOps
import ModelTensor

/// An element of a vector that a loop's body computes, as far as it can be told beforehand.
enum StepElement {
  case number(Int)
  /// A scalar of the body, and a number more.
  case place(ValueID, plus: Int)
}

extension LoopMatch {
  /// Element `index` of a vector or scalar; `nil` when it can't be told. Places are taken to be no less than 0, as counters are.
  func element(_ value: ValueID, _ index: Int, depth: Int = 0) -> StepElement? {
    let fact = context.model.fact(value, in: body)
    guard depth < 32, fact.type.dtype.isInteger || fact.type.dtype == .bool, let count = fact.type.shape.elementCount, index < count
    else { return nil }
    if let known = fact.elements, index < known.count, let number = known[index].value { return .number(number) }
    guard let id = body.producer(of: value) else { return count == 1 ? .place(value, plus: 0) : nil }
    let node = body[id]
    func operand(_ place: Int) -> StepElement? {
      guard let input = node.input(place), let count = body[input].type.shape.elementCount else { return nil }
      return element(input, count == 1 ? 0 : index, depth: depth + 1)
    }
    switch node.op {
    case is IdentityOp, is CastOp, is ReshapeOp, is SqueezeOp, is UnsqueezeOp: return operand(0)
    case is ConcatOp:
      var start = 0
      for case let input? in node.inputs {
        guard let length = body[input].type.shape.elementCount else { return nil }
        if index - start < length { return element(input, index - start, depth: depth + 1) }
        start &+= length
      }
      return nil
    case let pad as PadOp:
      guard pad.mode == .constant, node.input(2).map({ context.model.fact($0, in: body).scalar == 0 }) ?? true, node.input(3) == nil,
        let x = node.input(0), body[x].type.shape.rank == 1, let length = body[x].type.shape.elementCount,
        let amounts = node.input(1).flatMap({ context.model.fact($0, in: body).integers }), amounts.count == 2,
        amounts.allSatisfy({ (0...Fact.elementLimit).contains($0) })
      else { return nil }
      let place = index - amounts[0]
      return (0..<length).contains(place) ? element(x, place, depth: depth + 1) : .number(0)
    case is AddOp:
      switch (operand(0), operand(1)) {
      case (.number(let a)?, .number(let b)?):
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? nil : .number(sum)
      case (.place(let place, let a)?, .number(let b)?), (.number(let b)?, .place(let place, let a)?):
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? nil : .place(place, plus: sum)
      default: return count == 1 ? .place(value, plus: 0) : nil
      }
    case is WhereOp:
      guard let condition = node.input(0) else { return nil }
      if let known = context.model.tensor(condition, in: body) {
        guard known.elementCount == 1 || known.elementCount == count, count <= Fact.elementLimit,
          let flags = (try? known.array())?.doubles(), let flag = flags.count == 1 ? flags.first : flags[index]
        else { return nil }
        return operand(flag != 0 ? 1 : 2)
      }
      guard let test = body.producer(of: condition).map({ body[$0] }), test.op is LessOp,
        let a = test.input(0), let b = test.input(1)
      else { return nil }
      func side(_ value: ValueID) -> StepElement? {
        body[value].type.shape.elementCount.flatMap { element(value, $0 == 1 ? 0 : index, depth: depth + 1) }
      }
      switch (side(a), side(b)) {
      case (.number(let a)?, .number(let b)?): return operand(a < b ? 1 : 2)
      case (.place(_, let more)?, .number(let limit)?) where more >= 0 && limit <= 0: return operand(2)
      default: return nil
      }
    default: return count == 1 ? .place(value, plus: 0) : nil
    }
  }

  /// A value without identities and casts in front of it.
  func withoutCasts(_ value: ValueID) -> ValueID {
    var value = body.withoutIdentities(value)
    for _ in 0..<16 {
      guard let id = body.producer(of: value), body[id].op is CastOp, let input = body[id].inputs.first ?? nil else { break }
      value = body.withoutIdentities(input)
    }
    return value
  }
}
