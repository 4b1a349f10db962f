print("modelctl")
