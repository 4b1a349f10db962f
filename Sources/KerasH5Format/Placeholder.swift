// KerasH5Format
