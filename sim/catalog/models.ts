/** The models on a pod's disk, by ComfyUI's folders: enough for the usual text-to-image workflows. */
export const DEFAULT_MODELS: Record<string, string[]> = {
  checkpoints: [
    'sd_xl_base_1.0.safetensors',
    'v1-5-pruned-emaonly-fp16.safetensors',
    'v1-5-pruned-emaonly.safetensors',
  ],
  loras: ['sd_xl_offset_example-lora_1.0.safetensors'],
  vae: ['ae.safetensors', 'sdxl_vae.safetensors'],
  text_encoders: ['clip_l.safetensors', 't5xxl_fp8_e4m3fn.safetensors'],
  diffusion_models: ['flux1-dev.safetensors'],
  upscale_models: ['4x-UltraSharp.pth'],
};
