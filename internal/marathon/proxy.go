package marathon

import "strings"

// proxyAccount is what to do about a proxy that wants an account.
const proxyAccount = "the proxy wants an account: name it in the URL of HTTP_PROXY or HTTPS_PROXY in the environment, where git does not hold it"

// proxyTrouble says what to do about a connection that failed for a proxy; "" is for another reason.
func proxyTrouble(name, text string) string {
	switch {
	case strings.Contains(text, "Proxy Authentication Required"):
		return proxyAccount
	case strings.Contains(text, "proxyconnect"), strings.Contains(text, "socks connect"):
		return text + "; the proxy is that of marathons." + name + ".proxy, else of HTTP_PROXY and HTTPS_PROXY in the environment: NO_PROXY names hosts to be asked directly"
	default:
		return ""
	}
}
