import { describe, expect, it } from 'vitest';
import { ImagePull } from '../../src/cli/views/image-pull.ts';

const LOG = [
  'f3a1c09b7d52 Pulling fs layer',
  '9b2e6ad418c0 Pulling fs layer',
  '0c7d5e91aa34 Already exists',
  'f3a1c09b7d52 Downloading [>   ] 100MB/400MB',
  '9b2e6ad418c0 Downloading [>   ] 400MB/1.6GB',
  'f3a1c09b7d52 Downloading [====>] 400MB/400MB',
  'f3a1c09b7d52 Download complete',
  '9b2e6ad418c0 Downloading [==>  ] 1.6GB/1.6GB',
  '9b2e6ad418c0 Pull complete',
];

describe('an image pull', () => {
  it('is told in percent as soon as the size of each layer is known, and each quarter once', () => {
    const pull = new ImagePull();
    const told = LOG.map((line) => pull.read(line));
    expect(told.map((one) => one?.words)).toEqual([
      'pulling the image: 1 layer',
      'pulling the image: 2 layers',
      'pulling the image: 3 layers',
      'pulling the image: 3 layers',
      'pulling the image: 25 % of 2.0 GB',
      'pulling the image: 40 % of 2.0 GB',
      'pulling the image: 40 % of 2.0 GB',
      'pulling the image: 100 % of 2.0 GB',
      'pulling the image: 100 % of 2.0 GB',
    ]);
    expect(told.filter((one) => one?.isMilestone).map((one) => one?.words)).toEqual([
      'pulling the image: 25 % of 2.0 GB',
      'pulling the image: 100 % of 2.0 GB',
    ]);
  });

  it('has nothing to say of other lines', () => {
    expect(new ImagePull().read('create container runpod/comfyui:latest')).toBeUndefined();
    expect(new ImagePull().read('latest Pulling from runpod/comfyui')).toBeUndefined();
  });
});
