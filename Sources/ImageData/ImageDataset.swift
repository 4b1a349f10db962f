import ModelOps
import ModelSupport
import ModelTraining

/// What the labels of pictures are.
public enum LabelMode: String, Sendable, CaseIterable {
  /// int32, the place of the class.
  case int
  /// float32, 1 at the place of the class.
  case categorical
  /// float32 `[1]`, 0 or 1, for two classes.
  case binary
}

/// Which part of a folder is read.
public enum ImageSubset: Sendable { case training, validation }

/// Pictures in folders, a folder for each class (Keras's `image_dataset_from_directory`).
public struct ImageFolder: Sendable {
  public let classNames: [String]
  public let files: [(path: String, label: Int)]
  static let extensions = [".jpg", ".jpeg", ".png"]

  /// - Parameter classNames: the folders in the order of the classes; by default all of them by name.
  /// - Throws: `StorageError` for a folder that is not there, `FormatError` for one without pictures, and for classes without a folder.
  public init(_ directory: String, classNames: [String]? = nil) throws {
    guard let names = FileSystem.names(in: directory) else { throw StorageError(.unreadable, "no such folder", path: directory) }
    let folders = names.filter { !$0.hasPrefix(".") && FileSystem.kind("\(directory)/\($0)") == .directory }
    if let classNames, Set(classNames) != Set(folders) {
      throw FormatError(
        .missingReference, "expected folders \(classNames.sorted().joined(separator: ", ")), found \(folders.joined(separator: ", "))",
        at: SourceLocation(file: directory))
    }
    self.classNames = classNames ?? folders
    var files: [(path: String, label: Int)] = []
    for (label, name) in self.classNames.enumerated() { try Self.collect("\(directory)/\(name)", label, depth: 0, &files) }
    guard !files.isEmpty else {
      throw FormatError(
        .missingReference, "expected pictures (\(Self.extensions.joined(separator: ", "))) in folders for each class, found none",
        at: SourceLocation(file: directory))
    }
    self.files = files
  }

  private static func collect(_ folder: String, _ label: Int, depth: Int, _ files: inout [(path: String, label: Int)]) throws {
    guard depth < 32 else { throw FormatError(.limitExceeded, "folders are nested too deeply", at: SourceLocation(file: folder)) }
    for name in FileSystem.names(in: folder) ?? [] {
      let path = "\(folder)/\(name)"
      switch FileSystem.kind(path) {
      case .directory: try collect(path, label, depth: depth + 1, &files)
      case .file where extensions.contains(where: { name.lowercased().hasSuffix($0) }): files.append((path, label))
      default: break
      }
    }
  }
}

extension Dataset where Element == (Tensor, Tensor) {
  /// Batches of pictures in one size (float32, 0 to 255), with labels that follow from the folders they lie in.
  ///
  /// - Parameters:
  ///   - imageSize: height and width.
  ///   - seed: of the order; the same one keeps the two subsets apart.
  ///   - validationSplit: the fraction at the end that is the subset for validation.
  ///   - parallel: how many pictures are decoded at the same time.
  /// - Throws: as `ImageFolder`, and for arguments that contradict each other. A damaged picture throws when it is reached, naming its file.
  public static func imageDatasetFromDirectory(
    _ directory: String, labelMode: LabelMode = .int, classNames: [String]? = nil, colorMode: ColorMode = .rgb, batchSize: Int? = 32,
    imageSize: (height: Int, width: Int) = (256, 256), shuffle: Bool = true, seed: Int? = nil, validationSplit: Double? = nil,
    subset: ImageSubset? = nil, interpolation: Interpolation = .bilinear, cropToAspectRatio: Bool = false, parallel: Int = 2
  ) throws -> Self {
    let folder = try ImageFolder(directory, classNames: classNames), count = folder.classNames.count
    guard labelMode != .binary || count == 2 else {
      throw TensorError(.invalidArgument, "imageDatasetFromDirectory: binary labels need 2 classes, found \(count)")
    }
    guard (validationSplit == nil) == (subset == nil), validationSplit.map({ $0 > 0 && $0 < 1 }) ?? true else {
      throw TensorError(.invalidArgument, "imageDatasetFromDirectory: a validation split between 0 and 1 goes with a subset")
    }
    guard validationSplit == nil || !shuffle || seed != nil else {
      throw TensorError(
        .invalidArgument, "imageDatasetFromDirectory: a split of shuffled pictures needs a seed, so that the subsets have none in common")
    }
    var files = folder.files
    if shuffle {
      let order = try Tensor.random.permutation(files.count, seed: seed.map { .fixed($0) } ?? nil)
      files = order.map { files[$0] }
    }
    if let validationSplit, let subset {
      let held = Int(validationSplit * Double(files.count))
      files = subset == .validation ? Array(files.suffix(held)) : Array(files.dropLast(held))
    }
    var data = Dataset<(path: String, label: Int)>(files)
    if shuffle { data = try data.shuffle(max(1, min(files.count, 8 * (batchSize ?? 32))), seed: seed) }
    let images: Self = data.map(parallel: parallel) { file in
      let image = try Image.resize(
        try Image.load(file.path, mode: colorMode), height: imageSize.height, width: imageSize.width, interpolation: interpolation,
        keepsAspectRatio: cropToAspectRatio)
      return (image, try label(file.label, of: count, labelMode))
    }
    return try batchSize.map { try images.batch($0) } ?? images
  }

  private static func label(_ index: Int, of count: Int, _ mode: LabelMode) throws -> Tensor {
    switch mode {
    case .int: try Tensor.constant(index)
    case .binary: try Tensor.constant([Double(index)])
    case .categorical: try Tensor.constant((0..<count).map { $0 == index ? 1.0 : 0.0 })
    }
  }
}
