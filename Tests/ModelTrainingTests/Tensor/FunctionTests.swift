import ModelTraining
import Testing

@Suite struct FunctionTests {
  @Test func tracesOnceForEachType() throws {
    var runs = 0
    let f = function { (x: Tensor) in
      runs += 1
      return try (x * x).reduceSum()
    }
    #expect(try f(Tensor.constant([1.0, 2])).item() == 5)
    #expect(try f(Tensor.constant([3.0, 4])).item() == 25)
    #expect(runs == 1)
    #expect(try f(Tensor.constant([3.0, 4, 1])).item() == 26)
    #expect(runs == 2 && f.traceCount == 2)
  }

  @Test func variablesAreReadAndAssigned() throws {
    let count = try Variable(0.0, name: "count")
    let f = function { (x: Tensor) in
      try count.assignAdd(x)
      try count.assignAdd(1)
      return try count * 2
    }
    #expect(try f(Tensor.constant(2.0)).item() == 6)
    #expect(try f(Tensor.constant(2.0)).item() == 12)
    #expect(try count.tensor.item() == 6)
  }

  @Test func drawsDifferFromRunToRun() throws {
    let generator = try SeedGenerator(seed: 1)
    let f = function { (x: Tensor) in try x * Tensor.random.uniform([3], seed: .generator(generator)) }
    let one = try Tensor.ones([3])
    let a = try f(one).doubles(), b = try f(one).doubles()
    #expect(a != b)
    #expect(try a == Tensor.random.uniform([3], seed: 1).doubles())
  }

  @Test func symbolicTensorsStayInside() throws {
    var leaked: Tensor?
    let f = function { (x: Tensor) in
      leaked = x
      return x
    }
    _ = try f(Tensor.ones([2]))
    let outside = try #require(leaked)
    #expect(throws: TensorError.self) { try outside.doubles() }
    let g = function { (x: Tensor) in try x + outside }
    #expect(throws: TensorError.self) { try g(Tensor.ones([2])) }
  }

  @Test func functionsCallFunctions() throws {
    let square = function { (x: Tensor) in try x * x }
    let f = function { (x: Tensor) in try square(x) + 1 }
    #expect(try f(Tensor.constant(3.0)).item() == 10)
  }
}
