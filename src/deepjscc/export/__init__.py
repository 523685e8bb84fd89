"""Networks to files that other programs run: ONNX and OpenVINO graphs, each with what one must know to use them."""
