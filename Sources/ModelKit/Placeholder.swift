// ModelKit
