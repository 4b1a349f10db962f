import CKernels
import ModelGraph

extension FastPrimitives {
  public func gemm(
    _ a: UnsafePointer<Int16>, _ b: UnsafePointer<Int16>, _ c: UnsafeMutablePointer<Int32>, m: Int, n: Int, k: Int, stride: Int
  ) {
    ck_gemm_int16(a, b, c, m, n, k, stride)
  }
  public func accumulate(_ x: UnsafePointer<Int16>, _ w: UnsafePointer<Int16>, _ sums: UnsafeMutablePointer<Int32>, count: Int) {
    ck_accumulate_int16(x, w, sums, count)
  }
  public func requantize(_ sums: UnsafeMutablePointer<Int32>, rows: Int, columns: Int, _ scheme: Requantization) {
    ck_requantize(
      sums, rows, columns, scheme.bias, scheme.factor, scheme.left, scheme.right, scheme.zero, scheme.range.lowerBound,
      scheme.range.upperBound)
  }
}
