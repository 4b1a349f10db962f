// KerasConfig
