// The one name of the DOM that connect's declarations use; stands in for lib.dom here and is not part of what is published.
type HeadersInit = Headers | Record<string, string> | [string, string][];
