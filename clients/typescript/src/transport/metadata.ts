// Between the headers of connect and the metadata of grpc-js, which differ in how they hold binary values.
import { decodeBinaryHeader, encodeBinaryHeader } from "@connectrpc/connect";
import { Metadata } from "@grpc/grpc-js";

const binarySuffix = "-bin";

export function toMetadata(headers: HeadersInit | undefined): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of new Headers(headers)) {
    if (!key.endsWith(binarySuffix)) metadata.add(key, value);
    else for (const part of value.split(",")) metadata.add(key, Buffer.from(decodeBinaryHeader(part.trim())));
  }
  return metadata;
}

export function appendTo(headers: Headers, metadata: Metadata | undefined): void {
  for (const [key, values] of Object.entries(metadata?.toJSON() ?? {})) {
    for (const value of values) headers.append(key, typeof value === "string" ? value : encodeBinaryHeader(value));
  }
}

export function toHeaders(metadata: Metadata | undefined): Headers {
  const headers = new Headers();
  appendTo(headers, metadata);
  return headers;
}
