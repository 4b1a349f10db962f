print("modelbench")
