"""A stand-in of S3 on loopback: moto keeps the objects, a gate of ours in front of it judges every request.

moto verifies no signature, so alone it would take what S3 and R2 refuse. Where the two stores differ, the gate takes
the stricter side: no form uploads (POST policies), no `*` among the allowed headers of CORS, no chunked signatures.
"""
