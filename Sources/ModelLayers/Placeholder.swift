// ModelLayers
