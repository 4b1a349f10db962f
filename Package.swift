// swift-tools-version:6.1
import PackageDescription

// The targets, bottom up. docs/architecture.md draws the same table; `make check-layers` holds
// the two against each other. Formats never import each other; every system library has exactly
// one importer.

let strict: [SwiftSetting] = [.enableUpcomingFeature("ExistentialAny")]

func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(name: name + "Tests", dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

let package = Package(
  name: "modelctl",
  products: [
    .executable(name: "modelctl", targets: ["modelctl"]),
    .library(name: "ModelKit", targets: ["ModelKit"]),
    .library(name: "ONNXFormat", targets: ["ONNXFormat"]),
    .library(name: "KerasFormat", targets: ["KerasFormat"]),
    .library(name: "KerasH5Format", targets: ["KerasH5Format"]),
    .library(name: "SavedModelFormat", targets: ["SavedModelFormat"]),
    .library(name: "TFJSFormat", targets: ["TFJSFormat"]),
    .library(name: "TFLiteFormat", targets: ["TFLiteFormat"]),
    .library(name: "NumPyFormat", targets: ["NumPyFormat"]),
    .library(name: "ModelTraining", targets: ["ModelTraining"]),
    .library(name: "ImageData", targets: ["ImageData"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-numerics", from: "1.1.0"),
  ],
  targets: [
    // System libraries and C.
    .systemLibrary(name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"])]),
    .systemLibrary(name: "CZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"])]),
    .target(name: "COpenBLAS", linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),
    .target(name: "CProtobuf", linkerSettings: [.linkedLibrary("protobuf")]),
    .target(name: "CChecksum"),
    .target(name: "CImage", linkerSettings: [.linkedLibrary("png"), .linkedLibrary("jpeg")]),
    .target(name: "CKernels", linkerSettings: [.linkedLibrary("m")]),
    .target(name: "CAllocationCount"),

    // The core.
    library(
      "ModelSupport", [.product(name: "OrderedCollections", package: "swift-collections")]),
    library("ModelTensor", ["ModelSupport"]),
    library("ModelGraph", ["ModelTensor"]),
    library("ModelOps", ["ModelGraph", .product(name: "RealModule", package: "swift-numerics")]),
    library("ModelLayers", ["ModelOps"]),
    library("ModelPasses", ["ModelLayers"]),

    // Containers and wires.
    library("ProtobufWire", ["CProtobuf", "ModelSupport"]),
    library("FlatBufferWire", ["ModelSupport"]),
    library("HDF5Container", ["CHDF5", "ModelTensor"]),
    library("ZipContainer", ["CZip", "ModelSupport"]),
    library("NumPyFormat", ["ZipContainer", "ModelTensor"]),

    // Formats.
    library("KerasConfig", ["ModelLayers"]),
    library("GraphWriting", ["ModelOps"]),
    library("ONNXFormat", ["ProtobufWire", "GraphWriting"]),
    library("TensorFlowGraph", ["ProtobufWire", "GraphWriting"]),
    library("SavedModelFormat", ["CChecksum", "TensorFlowGraph", "KerasConfig"]),
    library("TFJSFormat", ["TensorFlowGraph", "KerasConfig"]),
    library("TFLiteFormat", ["FlatBufferWire", "ZipContainer", "GraphWriting", "TensorFlowGraph"]),
    library("KerasStorage", ["KerasConfig", "HDF5Container"]),
    library("KerasFormat", ["KerasStorage", "ZipContainer"]),
    library("KerasH5Format", ["KerasStorage"]),

    // Execution and proof.
    library("ComputeBackend", ["CKernels", "COpenBLAS", "ModelGraph"]),
    library("ModelRuntime", ["ModelLayers", "ModelPasses", "ComputeBackend"]),
    library("ModelVerify", ["ModelRuntime"]),

    library("ModelGradients", ["ModelOps"]),

    // The facade and the tools.
    library(
      "ModelKit",
      [
        "ONNXFormat", "KerasFormat", "KerasH5Format", "NumPyFormat", "ModelPasses",
        "ModelRuntime", "ModelVerify", "SavedModelFormat", "TFJSFormat", "TFLiteFormat", "FlatBufferWire",
      ]),
    library(
      "ModelTraining",
      [
        "CChecksum", "KerasConfig", "KerasH5Format", "KerasStorage", "ModelGradients", "ModelKit", "ModelPasses", "ModelRuntime",
        "NumPyFormat",
      ]),
    library("ImageData", ["CImage", "ModelOps", "ModelSupport", "ModelTraining"]),
    .executableTarget(
      name: "modelctl",
      dependencies: [
        "ModelKit", "ModelTraining", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: strict),
    .executableTarget(
      name: "modelbench",
      dependencies: [
        "CAllocationCount", "ModelKit", "ModelTraining", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: strict),

    .executableTarget(name: "Examples", dependencies: ["ModelKit", "ModelTraining"], path: "docs/examples", swiftSettings: strict),

    // Tests mirror the sources.
    .target(
      name: "TestSupport", dependencies: ["ModelGraph"], path: "Tests/TestSupport", swiftSettings: strict),
    tests("ModelSupport", ["ModelSupport"]),
    tests("ModelTensor", ["ModelTensor"]),
    .target(name: "OpCases", dependencies: ["ModelOps"], path: "Tests/OpCases", swiftSettings: strict),
    tests("ModelOps", ["ModelOps", "OpCases"]),
    tests("HDF5Container", ["HDF5Container"]),
    tests("ZipContainer", ["ZipContainer"]),
    tests("NumPyFormat", ["NumPyFormat"]),
    tests("ModelPasses", ["ModelPasses", "KerasConfig", "TestSupport"]),
    tests(
      "KerasConfig", ["KerasConfig", "TestSupport"],
      exclude: ["generate_layer_cases.py", "generate_network_cases.py", "generate_operation_cases.py"]),
    tests("KerasFormat", ["KerasFormat", "KerasH5Format", "NumPyFormat"]),
    tests("KerasH5Format", ["KerasH5Format"]),
    tests("ProtobufWire", ["ProtobufWire"]),
    tests("FlatBufferWire", ["FlatBufferWire"]),
    tests("ONNXFormat", ["ONNXFormat", "ModelRuntime", "OpCases"]),
    tests("TensorFlowGraph", ["TensorFlowGraph"]),
    tests("TFJSFormat", ["TFJSFormat"]),
    tests("TFLiteFormat", ["TFLiteFormat", "ModelRuntime", "OpCases"]),
    tests("SavedModelFormat", ["SavedModelFormat", "CChecksum"]),
    tests("ComputeBackend", ["ComputeBackend", "CKernels"]),
    tests("ModelRuntime", ["ModelRuntime", "TestSupport"]),
    tests("ModelVerify", ["ModelVerify"]),
    tests(
      "ModelTraining",
      ["KerasConfig", "ModelGradients", "ModelGraph", "ModelKit", "ModelOps", "ModelRuntime", "ModelTraining", "TestSupport"]),
    tests("Examples", ["Examples"]),
    tests("ImageData", ["ImageData", "ModelTraining"]),
    tests("ModelKit", ["ModelKit", "TFLiteFormat", "TestSupport"]),
    tests("modelctl", ["modelctl", "ModelKit", "NumPyFormat", "ONNXFormat", "ZipContainer"]),
  ],
  swiftLanguageModes: [.v6],
  cxxLanguageStandard: .cxx17
)
