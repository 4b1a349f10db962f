import ModelGraph
import ModelSupport
import ModelTraining

/// An error that does not say of itself which file it is about, with that file.
struct FileError: Error {
  let path: String
  let cause: any Error
}

/// Runs `body` and names `path` in the errors that know no file: what a sound model asks for in vain, and graphs that can't be.
func about<R>(_ path: String, _ body: () throws -> R) throws -> R {
  do { return try body() } catch let error as UnsupportedError {
    throw FileError(path: path, cause: error)
  } catch let error as GraphError {
    throw FileError(path: path, cause: error)
  } catch let error as ExecutionError {
    throw FileError(path: path, cause: error)
  } catch let error as TensorError {
    throw FileError(path: path, cause: error)
  } catch let error as FormatError { throw error.inFile(path) }
}
