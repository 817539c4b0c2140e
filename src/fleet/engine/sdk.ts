// Before the SDK is loaded: it looks for it at once.
import './polyfill.ts';

export * from '@restatedev/restate-sdk';
