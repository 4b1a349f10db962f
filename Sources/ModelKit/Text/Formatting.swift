import Foundation

/// `value` by C's `%.*g`: independent of the user's locale.
func formatted(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)g", value) }
