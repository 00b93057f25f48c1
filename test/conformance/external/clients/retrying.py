# One call through gRPC's C core, with retries as the service config says: `retrying.py ADDRESS PATH`. Prints the status.
import json
import sys

import grpc

address, path = sys.argv[1:]
policy = {
    "maxAttempts": 4,
    "initialBackoff": "0.001s",
    "maxBackoff": "0.01s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
config = {"methodConfig": [{"name": [{}], "retryPolicy": policy}]}
options = [("grpc.service_config", json.dumps(config)), ("grpc.enable_retries", 1)]
with grpc.insecure_channel(address, options) as channel:
    try:
        channel.unary_unary(path)(b"", timeout=20)
        print("OK")
    except grpc.RpcError as error:
        print(error.code().name)
