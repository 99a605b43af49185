using System.Collections.Immutable;
using RawWs.Server.Diagnostics;
using RawWs.Server.Sessions;

namespace RawWs.Server.Events;

public sealed partial class EventSocket
{
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private List<Callback<DisconnectReason>>? _disconnecting = [];
    private List<Callback<DisconnectReason>>? _disconnect = [];
    private CancellationTokenSource? _gone;
    private DisconnectReason? _reason;
    private bool _isOpening;

    /// <summary>
    /// Runs a callback once when the client leaves, whatever the reason, while its rooms are still there to
    /// be seen; at once if it has left already, and then its rooms are gone.
    /// </summary>
    public void OnDisconnecting(Action<DisconnectReason> handler) =>
        AddLast(ref _disconnecting, Callback<DisconnectReason>.From(handler));

    /// <inheritdoc cref="OnDisconnecting(Action{DisconnectReason})"/>
    public void OnDisconnecting(Func<DisconnectReason, Task> handler) =>
        AddLast(ref _disconnecting, Callback<DisconnectReason>.From(handler));

    /// <summary>
    /// Runs a callback once when the client has left, whatever the reason; at once if that was before. It
    /// also runs for a callback that connect middleware adds when the connection dies during that
    /// middleware, but not when middleware refuses the client.
    /// </summary>
    public void OnDisconnect(Action<DisconnectReason> handler) =>
        AddLast(ref _disconnect, Callback<DisconnectReason>.From(handler));

    /// <inheritdoc cref="OnDisconnect(Action{DisconnectReason})"/>
    public void OnDisconnect(Func<DisconnectReason, Task> handler) =>
        AddLast(ref _disconnect, Callback<DisconnectReason>.From(handler));

    /// <summary>Cancelled when the client is gone.</summary>
    internal CancellationToken Gone
    {
        get
        {
            lock (_gate)
            {
                return _reason is not null
                    ? new CancellationToken(canceled: true)
                    : (_gone ??= new CancellationTokenSource()).Token;
            }
        }
    }

    /// <summary>
    /// Middleware agreed: joins, and runs the connection handlers; not if the client is gone meanwhile.
    /// </summary>
    internal void Open(ImmutableArray<Callback<EventSocket>> handlers)
    {
        lock (_gate)
        {
            if (_reason is not null)
                return;

            _isOpening = true;
        }

        if (_former is { } former)
        {
            Namespace.Rooms.Resume(this, former.Socket);
            // The former socket has kept the namespace; this one does so now.
            Hub.Exit(Namespace);
            _former = null;
        }
        else
        {
            Namespace.Rooms.Add(this);
        }

        // A client that could not be given what it missed is not in, and comes back as another.
        foreach (Callback<EventSocket> handler in _isJoined ? handlers : [])
            Hub.Run(handler, this, "connection", this);

        bool isClosed;
        lock (_gate)
        {
            _isOpening = false;
            isClosed = _reason is not null;
        }

        _opened.TrySetResult();
        if (isClosed)
            FinishClose();
    }

    /// <summary>Called by the adapter in the step that makes this socket a receiver of broadcasts.</summary>
    internal void CompleteConnect()
    {
        _isJoined = true;
        Session.SendConnect(this);
    }

    /// <summary>Middleware did not agree.</summary>
    /// <returns>False if the client is gone meanwhile, so there is nobody to tell.</returns>
    internal bool TryRefuse()
    {
        lock (_gate)
        {
            if (_reason is not null)
                return false;

            _reason = DisconnectReason.ServerNamespaceDisconnect;
            _isLeaving = true;
            _disconnecting = null;
            _disconnect = null;
        }

        Leave();
        return true;
    }

    /// <summary>
    /// The client has left the namespace, or is gone altogether. Any thread; the first reason counts. While
    /// the connection handlers run, which are about to add their disconnect callbacks, it waits for them.
    /// </summary>
    internal void Close(DisconnectReason reason)
    {
        if (TryBeginClose(reason, out bool isOpening) && !isOpening)
            FinishClose();
    }

    private bool TryBeginClose(DisconnectReason reason, out bool isOpening)
    {
        lock (_gate)
        {
            isOpening = _isOpening;
            if (_reason is not null)
                return false;

            _reason = reason;
            _isLeaving = true;
            return true;
        }
    }

    private void FinishClose()
    {
        DisconnectReason reason = _reason.GetValueOrDefault();
        RunLast(ref _disconnecting, reason, "disconnecting");
        Leave();
        RunLast(ref _disconnect, reason, "disconnect");
    }

    private void Leave()
    {
        bool mayReturn = TrySuspend();
        Session.Forget(this);
        _acks.Close(_reason.GetValueOrDefault());
        CancelGone();
        _opened.TrySetResult();
        ReleaseWaitingEvent();
        _handlers.Clear();
        if (!mayReturn)
            Hub.Exit(Namespace);
    }

    private void CancelGone()
    {
        CancellationTokenSource? gone;
        lock (_gate)
            gone = _gone;

        try
        {
            gone?.Cancel();
        }
        catch (AggregateException e)
        {
            // What middleware registered with the token threw.
            Log.CallbackFailed(Hub.Logger, e, "cancellation", Id);
        }
    }

    private void AddLast(ref List<Callback<DisconnectReason>>? callbacks, Callback<DisconnectReason> added)
    {
        lock (_gate)
        {
            if (callbacks is not null)
            {
                callbacks.Add(added);
                return;
            }
        }

        Hub.Run(added, _reason.GetValueOrDefault(), "disconnect", this);
    }

    private void RunLast(
        ref List<Callback<DisconnectReason>>? callbacks, DisconnectReason reason, string what)
    {
        List<Callback<DisconnectReason>>? last;
        lock (_gate)
        {
            last = callbacks;
            callbacks = null;
        }

        foreach (Callback<DisconnectReason> callback in last ?? [])
            Hub.Run(callback, reason, what, this);
    }
}
