import ModelGraph
import ModelTensor
import RealModule

extension PoolOp {
  func evaluateDouble(_ x: NDArray, _ geometry: WindowGeometry, in context: ExecutionContext) throws -> NDArray {
    let channels = x.shape[layout.channelAxis(rank: x.rank)], windows = DoubleWindows(geometry)
    let shape = layout.shape(batch: x.shape[0], spatial: geometry.output, channels: channels)
    try context.demand(.float64, shape)
    var y = [Double](repeating: kind == .max ? -.infinity : 0, count: shape.reduce(1, *))
    let xs = x.doubles(), (inPixels, outPixels) = (windows.largePixels, windows.smallPixels)
    let counts = kind == .average ? geometry.counts(padded: countIncludePad).map(Double.init) : []
    for n in 0..<x.shape[0] {
      windows.forEachTap { small, _, large in
        for c in 0..<channels {
          let value = xs[DoubleWindows.place(layout, n, large, c, pixels: inPixels, channels: channels)]
          let place = DoubleWindows.place(layout, n, small, c, pixels: outPixels, channels: channels)
          switch kind {
          case .max: y[place] = value.isNaN || y[place].isNaN ? .nan : max(y[place], value)
          case .average: y[place] += value
          case .lp(let power): y[place] += Double.pow(abs(value), power)
          }
        }
      }
      for pixel in 0..<outPixels where kind != .max {
        for c in 0..<channels {
          let place = DoubleWindows.place(layout, n, pixel, c, pixels: outPixels, channels: channels)
          if case .lp(let power) = kind { y[place] = Double.root(y[place], power) } else { y[place] /= counts[pixel] }
        }
      }
    }
    return NDArray(y, shape)
  }
}
