print("stackup")
