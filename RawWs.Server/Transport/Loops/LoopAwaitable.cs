using System.Runtime.CompilerServices;

namespace RawWs.Server.Transport.Loops;

/// <summary>What whoever wants to go on on an event loop awaits; without a loop it has completed already.</summary>
internal readonly struct LoopAwaitable(LoopTransport? transport) : ICriticalNotifyCompletion
{
    public bool IsCompleted => transport is null;

    public LoopAwaitable GetAwaiter() => this;

    public void GetResult()
    {
    }

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation) => transport!.RunOnLoop(continuation);
}
