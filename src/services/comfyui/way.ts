/** Where a pod's ComfyUI is reached on this machine: the tunnel's local port, or a Unix socket that leads there. */
export type ComfyWay = { localPort: number } | { socketPath: string };
