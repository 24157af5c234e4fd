print("endoked")
